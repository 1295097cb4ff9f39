-- Create an empty database.
create database {database}
