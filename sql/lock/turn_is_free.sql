-- Take the lock of exclusive transactions if no other transaction of a run is open.
select pg_try_advisory_xact_lock({key})
