-- Privileges on a table or view that its owner has granted: a role is null for everybody.
select roles.rolname::text as role, granted.privilege_type
from pg_class
cross join aclexplode(pg_class.relacl) as granted
left join pg_roles as roles on roles.oid = granted.grantee
where pg_class.oid = {table}::regclass and granted.grantee <> pg_class.relowner
