-- Answers as long as the transaction lives that holds the lock.
select 1
