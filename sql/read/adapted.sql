-- A table whose columns another program made, in the schema's types, in place of the table of its name.
{table} as not materialized (select {columns} from {table})
