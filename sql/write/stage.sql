-- Temporary table with some columns of a table; it is dropped when the transaction ends.
create temporary table {stage} on commit drop as select {columns} from {table} where false
