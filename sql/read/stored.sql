-- the days from one on that the portfolios have snapshots of; one without an equity is another service's
select {columns} from portfolio_snapshots
where snapshot_date >= {start} and equity_balance is not null and ({everyone} or portfolio_id in {portfolios})
