-- Delete rows of some portfolios' correlation matrices in a range of days.
delete from {table}
where correlation_calculation_id in (
    select id from correlation_calculations
    where portfolio_id in {portfolios}
    and calculation_date >= {start} and calculation_date < {end} + interval '1 day'
)
