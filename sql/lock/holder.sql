-- Session name of the run that holds the lock.
select activity.application_name
from pg_locks as held join pg_stat_activity as activity on activity.pid = held.pid
where held.locktype = 'advisory' and held.granted
and held.classid::bigint * 4294967296 + held.objid::bigint = {key}
and held.database = (select oid from pg_database where datname = current_database())
