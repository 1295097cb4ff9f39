"""Company profiles and statements: what is due, what is kept, what is derived."""
