-- rows below the correlation matrices of the portfolios asked for, in a span of days
select {columns} from {table}
where correlation_calculation_id in (
    select id from correlation_calculations
    where ({everyone} or portfolio_id in {portfolios})
    and ({undated} or (calculation_date >= {start} and calculation_date < {end} + interval '1 day'))
)
