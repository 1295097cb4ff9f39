-- Parquet files as one table, in the schema's types. A folder's name `date=...` is no column of theirs.
{table} as not materialized (
    select {columns} from read_parquet(list_value{files}, union_by_name = true, hive_partitioning = false)
)
