-- Keep other programs from writing a table until the transaction ends; they may read it.
lock table {table} in share mode
