-- Rows of some symbols.
select {columns} from {table} where symbol in {symbols}
