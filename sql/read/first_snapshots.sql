-- each portfolio's oldest snapshot of all that has an equity: it tells what the portfolio began with
select distinct on (portfolio_id) {columns} from portfolio_snapshots
where equity_balance is not null and ({everyone} or portfolio_id in {portfolios})
order by portfolio_id, snapshot_date
