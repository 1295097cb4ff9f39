-- Bytes that the server has written to its write-ahead log.
select pg_current_wal_lsn() - '0/0'
