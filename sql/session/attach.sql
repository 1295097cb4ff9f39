-- Open a database file that gets small row groups.
attach {path} as {name} (row_group_size {rows})
