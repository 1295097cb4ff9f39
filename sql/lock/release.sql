-- Release the lock of a run.
select pg_advisory_unlock({key})
