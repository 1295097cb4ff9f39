-- Newest snapshot of each portfolio before a day.
select distinct on (portfolio_id) {columns} from portfolio_snapshots
where snapshot_date < {start} and ({everyone} or portfolio_id in {portfolios})
order by portfolio_id, snapshot_date desc
