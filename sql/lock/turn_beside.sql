-- beside others that share a number, and beside nobody who has it alone, until the transaction ends
select pg_advisory_xact_lock_shared({key})
