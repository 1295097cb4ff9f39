-- Newest session with a snapshot of any portfolio.
select max(snapshot_date) as day from portfolio_snapshots
