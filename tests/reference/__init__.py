"""The slow reference of the tests: what `engine.explain` derives, on random small portfolios.

- `worlds`: random tables of every kind that a run reads
- `derivation`: stored figures compared with derived ones, for a portfolio and session
- `tags`: sector tags, which `engine.explain` does not derive

The other modules are what `tests/benchmarks/loop` computes with, from the legacy documents alone; a section
number in a docstring is a section of document 01.
"""
