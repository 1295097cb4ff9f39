-- a passing table like another, for rows on their way
create temporary table {stage} on commit drop as select {columns} from {table} where false
