"""The slow, obvious implementation that the fast engine is tested against.

Written from `legacy/01-pnl-snapshots.md` alone ("document 01"); a section
number in a docstring is a section of that document. Nothing here knows the
engine, and nothing here is vectorised: one portfolio, one day, one position at
a time, in `Decimal` where the legacy batch used `Decimal` and in binary floats
where it used floats.

- `rounding`: section 0, what happens to a number on its way to a column
- `prices`: the price look-ups, each with the filters that it has and hasn't
- `pnl`: section 3, P&L and the roll-forward of equity
- `population`: section 4, exposures, cash and counts of a snapshot
- `valuation`: section 5.1, market values of positions (Phase 4)
- `daily`: `run`, which carries the state from session to session
- `worlds`: small random worlds for property tests, drawn with `draws*`
- `golden`: the legacy batch's own tables
"""
