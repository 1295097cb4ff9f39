"""Parts of the P&L: factors, specific return and residual, by session and position."""

from __future__ import annotations

from typing import Any

import polars as pl

from engine.analytics.factors.attribution import COMPONENTS, FACTORS
from engine.html.blocks import Block, Chart, LegendKey, Notice, PageTable, Section, Width
from engine.html.cells import Cell, money, plain
from engine.reports.charts.bars import bar_heights, signed_bars
from engine.reports.charts.drawing import chart
from engine.reports.charts.scales import money_format
from engine.reports.sections.common import cents_sum
from engine.reports.stored import StoredPortfolio

TITLE = "Attribution of P&L"
STYLES = FACTORS[1:-1]
LEAD = (
    "Factors: value x the beta of the session before x the factor's return. Specific: the rest of what the "
    "positions held before the session moved. Residual: trades in the session, income, and positions without "
    "a beta or a close."
)


def attribution(stored: StoredPortfolio) -> list[Section]:
    """Return the section of attributed P&L; none where no run has attributed any."""
    rows = stored.forecasts.parts
    if rows.is_empty():
        return []
    if not (rows["amount"] != 0).any():
        nothing = Notice("No P&L to attribute", "The portfolio has no P&L in any session of the window.")
        return [Section("attribution", TITLE, "", [nothing])]
    sums = {
        f"On {stored.end}": _sums(rows.filter(pl.col("calculation_date") == stored.end)),
        f"{stored.start} to {stored.end}": _sums(rows),
    }
    charts: list[Block] = [_chart(stored, title, amounts, "half") for title, amounts in sums.items()]
    blocks = [*charts, _components(stored, sums), *_positions(stored)]
    return [Section("attribution", TITLE, LEAD, blocks)]


def name_of(component: str) -> str:
    """Return a component as the page calls it.

    Args:
        component: as engine_pnl_attribution stores it.
    """
    return component.replace("_", " ").capitalize()


def _sums(rows: pl.DataFrame) -> dict[str, float | None]:
    """Return the amount of each component in cents, None where no session has one."""
    return {one: cents_sum(rows.filter(component=one)["amount"]) for one in COMPONENTS}


def _chart(stored: StoredPortfolio, title: str, amounts: dict[str, float | None], width: Width) -> Chart:
    frame = pl.DataFrame({"name": [name_of(one) for one in amounts], "value": list(amounts.values())})
    wide, narrow = bar_heights(frame.height)
    return chart(
        title,
        f"Bars of the {frame.height} parts of the P&L: {title}. The table below holds the figures.",
        signed_bars(frame, money_format(stored.currency)),
        wide,
        narrow_height=narrow,
        width=width,
        unit=stored.currency,
        legend=[LegendKey("Gain", "up", shape="box"), LegendKey("Loss", "down", shape="box")],
    )


def _components(stored: StoredPortfolio, sums: dict[str, dict[str, float | None]]) -> PageTable:
    """Return a row for each component, and their sum beside the stored P&L."""
    nothing = "no session is attributed"
    sizes = {
        one: stored.forecasts.parts.filter(component=one)["amount"].cast(pl.Float64).abs().mean()
        for one in COMPONENTS
    }
    cells = [
        [
            plain(name_of(one)),
            *(money(amounts[one], stored.currency, nothing, toned=True) for amounts in sums.values()),
            money(_number(sizes[one]), stored.currency, nothing),
        ]
        for one in COMPONENTS
    ]
    headings = ("Component", *sums, "Mean size a session")
    return PageTable("Parts of the P&L", headings, cells, note=_reconciled(stored, [*sums.values()][-1]))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _reconciled(stored: StoredPortfolio, amounts: dict[str, float | None]) -> str:
    pnl = cents_sum(stored.snapshots["daily_pnl"])
    added = round(sum(amount or 0.0 for amount in amounts.values()), 2)
    if pnl is None:
        return "No session of the window has a P&L to compare the parts with."
    texts = (money(v, stored.currency, cents=True).text for v in (added, pnl, round(pnl - added, 2)))
    return "The parts of the window sum to {}; its stored P&L is {}; difference {}.".format(*texts)


def _positions(stored: StoredPortfolio) -> list[Block]:
    """Return the parts of each position's P&L in the last session, largest P&L first."""
    symbols = stored.positions.select(position_id="id", symbol="symbol")
    names = stored.profiles.select("symbol", "company_name")
    rows = (
        stored.forecasts.lot_parts.join(symbols, on="position_id")
        .join(names, on="symbol", how="left")
        .with_columns(pl.col(COMPONENTS).cast(pl.Float64))
        .with_columns(styles=pl.sum_horizontal(STYLES), total=pl.sum_horizontal(COMPONENTS))
        .sort(pl.col("total").abs(), "symbol", "position_id", descending=[True, False, False])
    )
    if rows.is_empty():
        return []
    shown = ("total", "market", "styles", "interest_rate", "specific", "residual")
    cells = [
        [plain(row["symbol"], row["company_name"] or ""), *_amounts(stored, row, shown)]
        for row in rows.to_dicts()
    ]
    headings = ("Position", "P&L and income", "Market", "Styles", "Interest rate", "Specific", "Residual")
    return [PageTable(f"Parts by position on {stored.end}", headings, cells, folded=True)]


def _amounts(stored: StoredPortfolio, row: dict[str, Any], names: tuple[str, ...]) -> list[Cell]:
    return [money(round(row[name], 2), stored.currency, toned=name == "total") for name in names]
