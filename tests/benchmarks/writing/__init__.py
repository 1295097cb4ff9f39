"""Ways to write to Postgres, compared: python -m tests.benchmarks.writing [--rounds N] [--portfolios N]

The legacy output tables of a window of 121 sessions, computed once, are written to clones of one
database with the legacy indexes, foreign keys and checks. All ways alternate in every round. The time
of a way is from its first statement to its last commit, with encoding; psql's \\copy of ready files, in
one stream and one transaction, is the limit. The rows that a way wrote are counted.

Besides seconds by the clock the table has processor seconds of this process and of the server's
processes: on a busy machine only these can be compared.
"""
