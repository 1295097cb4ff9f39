-- Close a database file.
detach {name}
