-- Take the lock of a run until the transaction ends: false if another one holds it. The server process.
select pg_try_advisory_xact_lock({key}) as taken, pg_backend_pid() as process
