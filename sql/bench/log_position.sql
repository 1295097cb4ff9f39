-- Bytes of the server's write-ahead log, those that it has yet to write among them.
select pg_current_wal_insert_lsn() - '0/0'
