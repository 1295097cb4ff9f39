"""Ways to write to Postgres, compared: python -m tests.benchmarks.writing [--rounds N] [--portfolios N]

The legacy output tables of a window of 121 sessions, computed once, go into clones of one database
that has the legacy indexes, foreign keys and checks. All ways take turns in every round. A way's
time runs from its first statement to its last commit and includes what it encodes; psql's \\copy of
ready files, in one stream and one transaction, is the yardstick. What a way left is counted.

Beside the clock's seconds stand those of processor, of this process and of its server processes: on a
busy machine only they can be compared.
"""
