-- Rows of a table without an owner, in a range of days.
select {columns} from {table}
where {undated} or ({date} >= {start} and {date} < {end} + interval '1 day')
