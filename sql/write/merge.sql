-- Update rows whose key exists, insert the others.
merge into {table} as kept using {source} as fresh on ({same})
when matched then update set {assignments}
when not matched then insert ({columns}) values ({values})
