-- Closes of the factor funds in a range of days.
select {columns} from market_data_cache
where date between {start} and {end} and symbol in {funds}
