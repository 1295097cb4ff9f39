-- rows that are there are updated, the others come in
merge into {table} as kept using {source} as fresh on ({same})
when matched then update set {assignments}
when not matched then insert ({columns}) values ({values})
