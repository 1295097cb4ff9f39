-- Begin a transaction in which each statement sees what others have committed before it.
begin isolation level read committed
