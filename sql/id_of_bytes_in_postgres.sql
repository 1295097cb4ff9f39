-- An id in 16 bytes, in Postgres.
case when octet_length({column}) = 16 then encode({column}, 'hex')::uuid::text else encode({column}, 'hex') end
