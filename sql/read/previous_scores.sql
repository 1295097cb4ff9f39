-- Scores of portfolios' own forecasts before a window.
select {columns} from engine_forecast_scores
where calculation_date >= {oldest} and calculation_date < {start} and symbol = ''
and ({everyone} or portfolio_id in {portfolios})
