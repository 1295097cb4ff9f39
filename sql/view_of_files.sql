-- Parquet files under their table's name
create or replace view {view} as select {columns} from read_parquet(list_value{files}, union_by_name = true)
