-- a table's rows of these symbols
select {columns} from {table} where symbol in {symbols}
