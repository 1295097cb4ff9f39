-- each portfolio's oldest snapshot of all: where nothing precedes it, it tells the opening equity
select distinct on (portfolio_id) {columns} from portfolio_snapshots
where {everyone} or portfolio_id in {portfolios}
order by portfolio_id, snapshot_date
