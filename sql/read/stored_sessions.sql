-- the days that the portfolios have snapshots of
select distinct snapshot_date as day from portfolio_snapshots
where {everyone} or portfolio_id in {portfolios}
