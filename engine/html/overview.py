"""Overviews of portfolios for a notebook: figures of the last session, and the outcomes of jobs."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from engine.core.job_catalog import JOBS, meaning
from engine.core.schema import TABLES
from engine.html.blocks import PageTable
from engine.html.cells import Cell, count, day, money, percent, plain, ratio

SNAPSHOTS = TABLES["portfolio_snapshots"]
DAY = "snapshot_date"
FIGURES = (
    "equity_balance",
    "daily_pnl",
    "cumulative_pnl",
    "gross_exposure",
    "net_exposure",
    "realized_volatility_21d",
    "beta_calculated_90d",
)
"""Columns of portfolio_snapshots that are looked at first."""
HEADINGS = (
    "Portfolio",
    "Last session",
    "Equity, USD",
    "P&L of the session, USD",
    "P&L so far, USD",
    "Gross, USD",
    "Net, USD",
    "Volatility of 21 sessions, a year",
    "Market beta, 90 days",
)


def last_sessions(snapshots: pl.DataFrame, names: Mapping[str, str | None]) -> PageTable:
    """Return the figures of each portfolio's last session, by name.

    Args:
        snapshots: portfolio_id, snapshot_date and `FIGURES`, of any number of sessions.
        names: of portfolios, by id.
    """
    newest = snapshots.sort(DAY).group_by("portfolio_id", maintain_order=True).last()
    rows = sorted(
        (
            [plain(names.get(row["portfolio_id"]) or row["portfolio_id"]), *_figures(row)]
            for row in newest.to_dicts()
        ),
        key=lambda cells: cells[0].text,
    )
    return PageTable("The last session of each portfolio", HEADINGS, rows)


def _figures(row: dict[str, object]) -> list[Cell]:
    amounts = [money(row[name], "USD", cents=True) for name in FIGURES[:5]]  # type: ignore[arg-type]
    volatility, beta = (row[name] for name in FIGURES[5:])
    return [day(row[DAY]), *amounts, percent(volatility), ratio(beta)]  # type: ignore[arg-type]


def outcomes_table(outcomes: pl.DataFrame) -> PageTable:
    """Return how often each job ended in each way, with the reasons.

    Args:
        outcomes: job, status, reason, sessions.
    """
    order = {job: place for place, job in enumerate(JOBS)}
    rows = [
        [
            plain(JOBS[job].label if job in JOBS else job),
            plain(status),
            count(sessions),
            plain(meaning(job, reason) if reason else ""),
        ]
        for job, status, reason, sessions in sorted(
            outcomes.select("job", "status", "reason", "sessions").rows(),
            key=lambda row: (order.get(row[0], len(order)), row[1], str(row[2])),
        )
    ]
    return PageTable("Jobs", ("Job", "Status", "Sessions of each portfolio", "Reason"), rows)


def sizes_table(rows: Mapping[str, int]) -> PageTable:
    """Return the rows of tables, those without any left out.

    Args:
        rows: number of rows by table.
    """
    cells = [
        [plain(name), count(height), plain(TABLES[name].comment)] for name, height in rows.items() if height
    ]
    return PageTable("Tables with rows", ("Table", "Rows", "What it holds"), cells, folded=True)
