-- some columns of rows that are there
merge into {table} as kept using {source} as fresh on ({same})
when matched then update set {assignments}
