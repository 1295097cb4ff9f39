-- the newest session any portfolio has a snapshot of
select max(snapshot_date) as day from portfolio_snapshots
