-- Show Parquet files as one table.
create or replace view {view} as select {columns} from read_parquet(list_value{files}, union_by_name = true)
