-- A whole table.
select {columns} from {table}
