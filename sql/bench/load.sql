\copy {table} from {file} with (format csv)
