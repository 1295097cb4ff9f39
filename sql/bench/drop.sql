-- a database and whoever is in it
drop database if exists {database} with (force)
