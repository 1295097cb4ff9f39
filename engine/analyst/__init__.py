"""What a notebook calls: open a store, load, compare, what-if, explain."""
