-- Take the lock of a run until the session ends; false if another session holds it.
select pg_try_advisory_lock({key})
