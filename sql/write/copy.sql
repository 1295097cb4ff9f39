-- rows of a batch as they stream in
copy {table} ({columns}) from stdin with (format csv)
