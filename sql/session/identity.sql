-- What tells a database from all others, however its server is named; a standby is a store of its own.
select (select system_identifier::text from pg_control_system()) as server, pg_is_in_recovery()::text as standby,
    (select oid::text from pg_database where datname = current_database()) as database,
    current_schema()::text as schema
