-- Wait for an exclusive lock, held until the transaction ends.
select pg_advisory_xact_lock({key})
