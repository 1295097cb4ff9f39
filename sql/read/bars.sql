-- Rows of some symbols in a range of days.
select {columns} from {table} where date between {start} and {end} and symbol in {symbols}
