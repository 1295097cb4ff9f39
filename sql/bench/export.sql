\copy {table} to {file} with (format csv)
