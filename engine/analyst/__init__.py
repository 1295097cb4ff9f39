"""The analyst's functions: open a store, load, compare, what-if, explain."""
