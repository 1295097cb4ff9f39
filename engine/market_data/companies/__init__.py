"""Company profiles and financial statements: which are due, how they are derived and stored."""
