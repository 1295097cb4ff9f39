-- alone under a number until the transaction ends
select pg_advisory_xact_lock({key})
