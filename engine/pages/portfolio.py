"""A portfolio's page, part by part."""

from __future__ import annotations

from engine.pages.blocks import Section
from engine.pages.measures.contributions import priced_days
from engine.pages.sections.betas import betas
from engine.pages.sections.correlations import correlations
from engine.pages.sections.drawdown import drawdown
from engine.pages.sections.equity import equity
from engine.pages.sections.exposures import exposures
from engine.pages.sections.factors import factors
from engine.pages.sections.glance import glance
from engine.pages.sections.positions import positions
from engine.pages.sections.quality import quality
from engine.pages.sections.sectors import sectors
from engine.pages.sections.sessions import every_session
from engine.pages.sections.stress import stress
from engine.pages.sections.volatility import volatility
from engine.pages.stored import Stored
from engine.pages.writing import write


def render(stored: Stored, fleet: str | None) -> str:
    """The document. `fleet`: address of the fleet's page, for a link back."""
    return write(
        "portfolio.html",
        title=stored.name,
        facts=facts(stored),
        sections=parts(stored),
        fleet=fleet,
    )


def parts(stored: Stored) -> list[Section]:
    """The sections in their order."""
    days = priced_days(stored)
    return [
        glance(stored),
        equity(stored),
        drawdown(stored),
        exposures(stored),
        betas(stored),
        factors(stored),
        volatility(stored),
        correlations(stored),
        sectors(stored),
        stress(stored),
        positions(stored, days),
        quality(stored, days),
        every_session(stored),
    ]


def facts(stored: Stored) -> dict[str, str]:
    """What the page is about: window, run, store."""
    row = stored.portfolio
    return {
        "Window": f"{stored.start} to {stored.end}, {len(stored.days)} sessions",
        "Run date": _run_date(stored),
        "Account": f"{row['account_name']}, {row['account_type']}, {stored.currency}",
        "Portfolio": row["id"],
        "Store": stored.url,
    }


def _run_date(stored: Stored) -> str:
    """What counted as today in the newest run that touched the window."""
    if stored.runs.is_empty():
        return "not recorded in this store"
    run = stored.runs.row(0, named=True)
    return f"{run['run_date']}, run finished {run['finished_at']:%Y-%m-%d %H:%M} UTC"
