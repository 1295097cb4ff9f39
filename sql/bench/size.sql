-- what a database takes on disk, in bytes
select pg_database_size({database})
