-- how many rows a table has, and the days they span
select count(*) as rows, min({date})::date as first, max({date})::date as last from {table}
