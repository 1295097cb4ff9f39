-- Show Parquet files as one table. A folder's name `date=...` is no column of theirs.
create or replace view {view} as select {columns} from read_parquet(list_value{files}, union_by_name = true, hive_partitioning = false)
