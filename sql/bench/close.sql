-- nobody enters: the maintenance workers neither
alter database {database} with allow_connections false
