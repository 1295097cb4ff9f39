-- Rename a table or a view.
alter {kind} {table} rename to {other}
