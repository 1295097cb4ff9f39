-- An id in 16 bytes, in DuckDB.
coalesce(try_cast(hex({column}) as uuid)::text, hex({column}))
