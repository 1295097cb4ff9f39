-- Drop a database and end its sessions.
drop database if exists {database} with (force)
