"""Columns that no calculation fills, or that another service fills."""

from __future__ import annotations

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case
from engine.analyst.explain.working import Working, absent
from engine.core.schema import TABLES

NEVER = "the batch never computes it"
UNMEASURED = "the engine does not measure it; the legacy batch measured durations only"
BY_OTHERS = "set by the target-price service; a run that replaces the row keeps the value"


def never(case: Case, ask: Ask) -> Working:
    """Return the working of a column that is always null, or a table that is always empty.

    Args:
        case: not used.
        ask: column, and the table whose comment says why.
    """
    del case
    comment = TABLES[ask.table].comment
    return absent(f"{ask.column} = null", f"{NEVER}. {comment}")


def kept(case: Case, ask: Ask) -> Working:
    """Return the working of a column that another service fills: its stored value.

    Args:
        case: not used.
        ask: column and stored row.
    """
    del case
    value = ask.row[ask.column] if ask.row else None
    return Working(f"{ask.column} as stored", value, notes=(BY_OTHERS,), checked=False)


def complete(case: Case, ask: Ask) -> Working:
    """Return the working of is_complete: a run writes complete snapshots only.

    Args:
        case: not used.
        ask: column.
    """
    del case
    return Working(
        f"{ask.column} = true", True, notes=("a run writes complete snapshots, in one transaction",)
    )


def tracked(case: Case, ask: Ask) -> Working:
    """Return the working of a column of batch_run_tracking.

    Args:
        case: not used.
        ask: column and stored row.
    """
    del case
    if ask.row is None:
        reason = "no row: not run yet, or some portfolio of the session was left out"
        return absent(f"{ask.column} of the session", reason)
    if ask.column.endswith("_status"):
        note = "the row is written with the last shard, if no portfolio of the session was left out"
        return Working(f"{ask.column} = success", "success", notes=(note,))
    if ask.column.endswith("_seconds"):
        return Working(f"{ask.column}: not measured", ask.row[ask.column], notes=(UNMEASURED,), checked=False)
    return absent(f"{ask.column} = null", UNMEASURED)
