"""The page of a portfolio."""

from __future__ import annotations

import polars as pl

from engine.core.version import VERSION
from engine.html.blocks import Section
from engine.html.cells import sign_of
from engine.html.live import LivePage
from engine.html.page import page
from engine.reports.measures.benchmark import benchmark
from engine.reports.measures.contributions import priced_days
from engine.reports.measures.doubts import doubts
from engine.reports.sections.attribution import attribution
from engine.reports.sections.betas import betas
from engine.reports.sections.clusters import clusters
from engine.reports.sections.common import FOOTER
from engine.reports.sections.correlations import correlations
from engine.reports.sections.drawdown import drawdown
from engine.reports.sections.equity import equity
from engine.reports.sections.exposures import exposures
from engine.reports.sections.factors import factors
from engine.reports.sections.glance import glance
from engine.reports.sections.losses import value_at_risk
from engine.reports.sections.performance import risk_and_return
from engine.reports.sections.positions import positions
from engine.reports.sections.quality import quality
from engine.reports.sections.risk import risk_contributions
from engine.reports.sections.sectors import sectors
from engine.reports.sections.sessions import every_session
from engine.reports.sections.stress import stress
from engine.reports.sections.volatility import volatility
from engine.reports.stored import StoredPortfolio

FOLLOWED = (
    "equity_balance",
    "daily_pnl",
    "daily_return",
    "realized_volatility_21d",
    "beta_calculated_90d",
)
"""Columns of the snapshots from which cards follow a range."""


def render(stored: StoredPortfolio, fleet: str | None) -> str:
    """Return the document.

    Args:
        stored: the portfolio's rows.
        fleet: address of the page of all portfolios, for a link back.
    """
    return page(
        "portfolio",
        stored.name,
        _facts(stored),
        _sections(stored),
        footer=FOOTER,
        contents=True,
        fleet=fleet,
        live=_live(stored),
    )


def _live(stored: StoredPortfolio) -> LivePage:
    """Return the sessions of the page, and the figures from which its cards follow a range."""
    equity = pl.col("equity_balance")
    shares = {
        f"{side}_share": pl.when(equity > 0).then(pl.col(f"{side}_exposure") / equity)
        for side in ("gross", "net")
    }
    figures = stored.snapshots.select(*FOLLOWED, **shares).cast(pl.Float64)
    columns = {column.name: column.to_list() for column in figures}
    columns["benchmark_return"] = benchmark(stored)["benchmark_return"].to_list()
    return LivePage(stored.days, sign_of(stored.currency), columns)


def _sections(stored: StoredPortfolio) -> list[Section]:
    days = priced_days(stored)
    return [
        glance(stored, doubts(stored, days)),
        risk_and_return(stored),
        equity(stored),
        drawdown(stored),
        exposures(stored),
        betas(stored),
        factors(stored),
        *attribution(stored),
        volatility(stored),
        *risk_contributions(stored),
        *value_at_risk(stored),
        correlations(stored),
        *clusters(stored),
        sectors(stored),
        stress(stored),
        positions(stored, days),
        quality(stored, days),
        every_session(stored),
    ]


def _facts(stored: StoredPortfolio) -> dict[str, str]:
    row = stored.portfolio
    return {
        "Window": f"{stored.start} to {stored.end}, {len(stored.days)} sessions",
        "Run date": _run_date(stored),
        "Rules": str(stored.rules),
        "Engine": _engine(stored),
        "Account": f"{row['account_name']}, {row['account_type']}, {stored.currency}",
        "Portfolio": row["id"],
        "Store": stored.url,
    }


def _run_date(stored: StoredPortfolio) -> str:
    """Return what counted as today in the newest run that overlaps the window."""
    if stored.runs.is_empty():
        return "not recorded in this store"
    run = stored.runs.row(0, named=True)
    return f"{run['run_date']}, run finished {run['finished_at']:%Y-%m-%d %H:%M} UTC"


def _engine(stored: StoredPortfolio) -> str:
    """Return the version that computed the newest run, and the one that made the page if it is another."""
    recorded = None if stored.runs.is_empty() else stored.runs.row(0, named=True)["engine_version"]
    if recorded is None:
        return f"page made by {VERSION}; the run's version is not recorded"
    return str(recorded) if recorded == VERSION else f"{recorded}; page made by {VERSION}"
