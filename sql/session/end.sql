-- End a transaction without a trace; its locks are free at once.
rollback
