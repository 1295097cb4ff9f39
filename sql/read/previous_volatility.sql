-- Forecasts of positions' volatilities before a window.
select {columns} from position_volatility
where calculation_date >= {oldest} and calculation_date < {start}
and ({everyone} or position_id in (select id from positions where portfolio_id in {portfolios}))
