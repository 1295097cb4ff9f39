-- Begin a transaction that sees one state of all tables.
begin isolation level repeatable read read only
