-- a Parquet file under its table's name
create view {view} as select * from read_parquet({file})
