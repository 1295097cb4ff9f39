-- Entry date of the oldest position.
select min(entry_date) as day from positions
