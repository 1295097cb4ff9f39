-- each portfolio's newest factor exposures before a day, at most {limit} rows
select {columns} from (
    select *, row_number() over (
        partition by portfolio_id order by calculation_date desc, factor_id
    ) as newest
    from factor_exposures
    where calculation_date < {start} and ({everyone} or portfolio_id in {portfolios})
) as ranked
where newest <= {limit}
