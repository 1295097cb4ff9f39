-- let go of the run's lock
select pg_advisory_unlock({key})
