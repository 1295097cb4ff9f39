-- Newest snapshot of each portfolio before a day. Snapshots without an equity belong to other services.
select distinct on (portfolio_id) {columns} from portfolio_snapshots
where snapshot_date < {start} and equity_balance is not null and ({everyone} or portfolio_id in {portfolios})
order by portfolio_id, snapshot_date desc
