-- rows of these symbols in a span of days
select {columns} from {table} where date between {start} and {end} and symbol in {symbols}
