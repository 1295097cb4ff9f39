-- Update some columns of existing rows.
merge into {table} as kept using {source} as fresh on ({same})
when matched then update set {assignments}
