-- Number of rows of a table, and its first and last day.
select count(*) as rows, min({date})::date as first, max({date})::date as last from {table}
