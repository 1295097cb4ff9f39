-- Refuse connections, those of maintenance workers included.
alter database {database} with allow_connections false
