"""Reading a Postgres database."""
