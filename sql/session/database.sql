-- The name of the connection's database.
select current_database()
