-- An id in any spelling, in Postgres: upper case, braces, no hyphens, as a URN. Other texts stay, in lower case.
case when btrim(lower({column}::text)) ~ '^(urn:uuid:)?[{{]?([0-9a-f]{{4}}-?){{8}}[}}]?$'
then replace(btrim(lower({column}::text)), 'urn:uuid:', '')::uuid::text else lower({column}::text) end
