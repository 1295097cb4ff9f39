"""The closes that values and P&L of a store come from: as quoted, or adjusted for dividends."""

from __future__ import annotations

from engine.batch.steps import RunState
from engine.batch.store_rules import can_record
from engine.core.instruments import is_quoted
from loaders.earlier_results import EarlierResults
from loaders.reader import Reader
from sql import statement

CLOSES = "closes"
"""Name of the row of engine_settings: quoted, adjusted, or partly quoted."""


def note_closes(state: RunState, past: EarlierResults) -> None:
    """Record which closes the run uses, and say once if the store lacks quoted ones.

    Args:
        state: its request has the rules of the run; its report and settings are changed.
        past: source and target.
    """
    if state.request.rules.closes == "adjusted":
        return
    lacking, held = _symbols(past.source)
    found = "quoted" if not lacking else "adjusted" if len(lacking) == held else "partly quoted"
    if can_record(past.results):
        state.settings = {**state.settings, CLOSES: found}
    if lacking:
        state.report.closes_note = (
            f"engine_raw_closes has no close of {len(lacking)} of {held} symbols, {lacking[0]} first: their "
            "values and P&L of the past are from closes that are adjusted for dividends, which hold them. "
            "`engine collect prices` stores both closes"
        )
        state.progress.note(state.report.closes_note)


def _symbols(source: Reader) -> tuple[list[str], int]:
    """Return the symbols held without a quoted close, and the number of all that a market quotes."""
    if "engine_raw_closes" not in source.columns:
        rows = source.read("positions", ["symbol", "investment_class", "deleted_at"])
        held = rows.filter(rows["deleted_at"].is_null(), is_quoted())["symbol"].unique().sort().to_list()
        return held, len(held)
    rows = source.query(statement("read/quoted_symbols")).filter(is_quoted())
    return rows.filter(~rows["quoted"])["symbol"].unique().sort().to_list(), rows["symbol"].n_unique()
