-- Forecasts of portfolios' volatilities before a window.
select {columns} from portfolio_snapshots
where snapshot_date >= {oldest} and snapshot_date < {start} and ({everyone} or portfolio_id in {portfolios})
