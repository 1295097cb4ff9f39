-- Delete rows of some portfolios in a range of days.
delete from {table}
where portfolio_id in {portfolios} and {date} >= {start} and {date} < {end} + interval '1 day'
