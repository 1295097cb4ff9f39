"""Figures of the last session that are in doubt, why, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from engine.analytics.positions.valuation import OPEN
from engine.core.job_catalog import JOBS, LOW_COVERAGE, MARKET_VALUES
from engine.html.cells import percent
from engine.reports.measures.data_quality import QUOTED
from engine.reports.missing_figures import label, meaning
from engine.reports.stored import StoredPortfolio

MARKS = {"partial": "partial", "held_back": "held back"}
EVERY_JOB = ""
"""The job of a doubt about every figure."""
RECOMPUTE = "`engine daily` collects closes and computes these sessions again."
GET_CLOSES = (
    "Store the closes that Data quality names (`engine collect prices`); `engine daily` then computes the "
    "session again."
)
SEE_REASON = "Correct what the reason names, then compute the session again (`engine backfill --recompute`)."
LATER = "It is computed when its closes come, or now by `engine daily --allow-stale`."


@dataclass(frozen=True)
class Doubt:
    """A figure of the last session that a reader should not take as it stands.

    Attributes:
        job: that computes it; EVERY_JOB for a doubt about all of them.
        figure: how the page calls it.
        mark: one or two words.
        why: a sentence.
        cure: what to do.
    """

    job: str
    figure: str
    mark: str
    why: str
    cure: str


def doubts(stored: StoredPortfolio, days: pl.DataFrame) -> list[Doubt]:
    """Return the doubts about the last session: stale figures, prices of other days, and jobs done in part.

    Args:
        stored: the portfolio's rows.
        days: the result of `engine.reports.measures.contributions.priced_days`.
    """
    done = stored.status.filter(pl.col("calculation_date") == stored.end, pl.col("status").is_in([*MARKS]))
    return [*_stale(stored), *_prices(stored, days), *(_job(row) for row in done.sort("job").to_dicts())]


def last_prices(stored: StoredPortfolio, days: pl.DataFrame) -> pl.DataFrame:
    """Return the open positions that a market quotes and that have no close of the last session.

    Args:
        stored: the portfolio's rows.
        days: the result of `engine.reports.measures.contributions.priced_days`.

    Returns:
        Columns position_id, symbol, mark ("carried": valued by a close at most 5 days old; "stale": not
        valued anew), last_close (date; null without any).
    """
    day = pl.col("date")
    own = stored.closes.filter(pl.col("close") > 0).group_by("symbol").agg(last_close=day.max())
    missing = days.filter(OPEN, QUOTED, day == stored.end, pl.col("close").is_null())
    mark = pl.when(pl.col("mark").is_null()).then(pl.lit("stale")).otherwise(pl.lit("carried"))
    rows = missing.select("symbol", position_id="id", mark=mark)
    return rows.join(own, on="symbol", how="left").sort("symbol", "position_id")


def _stale(stored: StoredPortfolio) -> list[Doubt]:
    if stored.stale_from is None:
        return []
    why = f"closes were added or changed after the run; sessions from {stored.stale_from} on are affected"
    return [Doubt(EVERY_JOB, "Every figure", "stale", why, RECOMPUTE)]


def _prices(stored: StoredPortfolio, days: pl.DataFrame) -> list[Doubt]:
    rows = last_prices(stored, days)
    found = []
    for mark, why in (
        ("carried", f"valued by a close at most {MARKET_VALUES.look_back} days old"),
        ("stale", "no close so new: the value did not change"),
    ):
        symbols = rows.filter(mark=mark)["symbol"].unique().sort().to_list()
        if symbols:
            named = ", ".join(symbols[:8]) + (f" and {len(symbols) - 8} more" if len(symbols) > 8 else "")
            found.append(Doubt("market_values", f"Values of {named}", mark, why, GET_CLOSES))
    return found


def _job(row: dict[str, Any]) -> Doubt:
    covered = (
        f"; closes cover {percent(row['coverage']).text} of the value" if row["coverage"] is not None else ""
    )
    why = f"{meaning(row['job'], row['reason'])}{covered}"
    # A reason that is no code names the closes that a session lacks.
    corrected = (
        {one.code for one in JOBS[row["job"]].reasons} - {LOW_COVERAGE} if row["job"] in JOBS else set()
    )
    cure = LATER if row["status"] == "held_back" else SEE_REASON if row["reason"] in corrected else GET_CLOSES
    return Doubt(row["job"], label(row["job"]), MARKS[row["status"]], why, cure)
