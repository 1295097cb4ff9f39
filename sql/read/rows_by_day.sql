-- Number of rows of a table by day.
select {date}::date as day, count(*) as rows from {table} group by 1 order by 1
