-- Open a database file.
attach {path} as {name} ({options})
