-- Load a batch of rows by COPY.
copy {table} ({columns}) from stdin with (format csv)
