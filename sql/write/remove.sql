-- Delete rows by key.
delete from {table} as kept using {source} as gone where {same}
