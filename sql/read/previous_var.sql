-- Values at risk of some sessions before a window.
select {columns} from engine_value_at_risk
where calculation_date >= {oldest} and calculation_date < {start} and ({everyone} or portfolio_id in {portfolios})
