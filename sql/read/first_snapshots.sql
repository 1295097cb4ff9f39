-- Oldest snapshot of each portfolio that has an equity: it implies the opening balance.
select distinct on (portfolio_id) {columns} from portfolio_snapshots
where equity_balance is not null and ({everyone} or portfolio_id in {portfolios})
order by portfolio_id, snapshot_date
