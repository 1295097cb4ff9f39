"""The loop: the legacy way of doing it, small and fair, to be timed beside the engine.

It goes date by date, portfolio by portfolio and position by position, asks Postgres for each through
SQLAlchemy's async ORM and asyncpg as the legacy batch did, fits each regression by itself with
statsmodels or scikit-learn, and adds each row as an object after looking whether it is there. What is
computed is the slow reference's (`tests.reference`), so that every figure can be held to the engine's.

Kinder than the legacy batch: prices are floats in memory before the first date, a symbol that two
lots share is fitted once in spread and ridge, the calendar is kept, and nothing is logged. About half
the statements remain. Sector tags and the columns of the run date itself, on which neither spends
time that counts, are left out.
"""
