-- the day the first position of all was entered
select min(entry_date) as day from positions
