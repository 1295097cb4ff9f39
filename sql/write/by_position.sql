-- Delete rows of some portfolios' positions in a range of days.
delete from {table}
where position_id in (select id from positions where portfolio_id in {portfolios})
and {date} >= {start} and {date} < {end} + interval '1 day'
