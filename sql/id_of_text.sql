-- An id in any spelling, in DuckDB: upper case, braces, no hyphens, as a URN. Other texts stay, in lower case.
case when strlen({column}::text) = 36 then lower({column}::text)
else coalesce(
    try_cast(replace(lower(trim({column}::text)), 'urn:uuid:', '') as uuid)::text, lower({column}::text)
) end
