-- Let other connections see what this transaction sees.
select pg_export_snapshot() as state
