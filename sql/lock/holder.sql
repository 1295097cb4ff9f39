-- Session name of the run that holds the lock.
select activity.application_name
from pg_locks as held join pg_stat_activity as activity on activity.pid = held.pid
where held.locktype = 'advisory' and held.granted
and held.classid::bigint = {key} >> 32 and held.objid::bigint = {key} & 4294967295 and held.objsubid = 1
and held.database = (select oid from pg_database where datname = current_database())
