-- Equity, P&L and flow of the sessions before a day. Snapshots without an equity belong to other services.
select {columns} from portfolio_snapshots
where snapshot_date < {start} and equity_balance is not null and ({everyone} or portfolio_id in {portfolios})
