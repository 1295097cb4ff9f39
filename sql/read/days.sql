-- Rows of a statement in a range of days; the first of several ranges has the rows without a day, too.
select * from (
{rows}
) as part where (date >= {start} and date < {before}) or ({undated} and date is null)
