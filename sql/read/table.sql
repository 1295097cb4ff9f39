-- a whole table
select {columns} from {table}
