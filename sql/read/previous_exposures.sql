-- Newest {limit} factor exposures of each portfolio before a day, and the other exposures of the same date
-- as the last of them.
select {columns} from (
    select *, rank() over (partition by portfolio_id order by calculation_date desc) as newest
    from factor_exposures
    where calculation_date < {start} and ({everyone} or portfolio_id in {portfolios})
) as ranked
where newest <= {limit}
