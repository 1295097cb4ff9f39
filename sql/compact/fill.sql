-- Insert the rows of a view into the table that takes its place.
insert into {table} ({columns}) select {columns} from {source}
