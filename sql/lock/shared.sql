-- Wait for a shared lock, held until the transaction ends.
select pg_advisory_xact_lock_shared({key})
