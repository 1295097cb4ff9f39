-- the run's lock, held until the session ends; false when another session holds it
select pg_try_advisory_lock({key})
