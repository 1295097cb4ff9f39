"""Books of one's own: positions, trades, prices and flows from files or frames, in the schema's tables."""
