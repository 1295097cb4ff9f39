-- Size of a database on disk, in bytes.
select pg_database_size({database})
