-- Rows of the correlation matrices of some portfolios, in a range of days.
select {columns} from {table}
where correlation_calculation_id in (
    select id from correlation_calculations
    where ({everyone} or portfolio_id in {portfolios})
    and ({undated} or (calculation_date >= {start} and calculation_date < {end} + interval '1 day'))
)
