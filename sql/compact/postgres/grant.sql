-- Grant a privilege on a table or view.
grant {privilege} on {table} to {role}
