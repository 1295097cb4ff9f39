"""The loop: a small version of the legacy batch, for the benchmark.

It loops over dates, portfolios and positions, queries Postgres for each through SQLAlchemy's async ORM
and asyncpg as the legacy batch did, fits each regression by itself with statsmodels or scikit-learn, and
adds each row as an object after checking whether it exists. The figures are those of the slow reference
(`tests.reference`), so that each of them can be compared with the engine's.

It does less than the legacy batch: prices are loaded before the first date, a symbol of two lots is
fitted once for the spread and ridge factors, the calendar is cached, and nothing is logged. About half of
the statements remain. Sector tags and the columns of the run date itself are left out: neither way
spends noticeable time on them.
"""
