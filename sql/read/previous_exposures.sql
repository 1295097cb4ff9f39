-- each portfolio's newest {limit} factor exposures before a day, and the rest of the last one's date
select {columns} from (
    select *, rank() over (partition by portfolio_id order by calculation_date desc) as newest
    from factor_exposures
    where calculation_date < {start} and ({everyone} or portfolio_id in {portfolios})
) as ranked
where newest <= {limit}
