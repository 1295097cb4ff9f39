-- a Parquet file under its table's name
create view {view} as select {columns} from read_parquet({file})
