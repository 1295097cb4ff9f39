"""Equity and P&L, with what was paid in and out."""

from __future__ import annotations

from functools import partial

import polars as pl

from engine.html.blocks import Block, Chart, LegendKey, PageTable, Section
from engine.html.cells import Cell, count, day, money, percent, short_money, word
from engine.reports.charts.drawing import chart
from engine.reports.charts.lines import columns, lines, marked_line
from engine.reports.charts.scales import money_format, series
from engine.reports.sections.common import gap_notes, shape_table
from engine.reports.sections.glance import window_sum
from engine.reports.stored import StoredPortfolio


def equity(stored: StoredPortfolio) -> Section:
    """Equity with its flows marked, P&L by session and added up, and both by month."""
    blocks: list[Block] = [_equity_chart(stored), _daily_chart(stored), _total_chart(stored), _months(stored)]
    return Section("equity", "Equity and P&L", _lead(stored), blocks)


def _lead(stored: StoredPortfolio) -> str:
    opening, closing = stored.opening_equity, stored.last["equity_balance"]
    pnl, flow = (window_sum(stored, column) for column in ("daily_pnl", "daily_capital_flow"))
    if opening is None or closing is None or pnl is None or flow is None:
        return "Not every session of the window has an equity: see Data quality."
    told = (short_money(value, stored.currency) for value in (opening, closing, pnl, flow))
    return "Equity went from {} to {}: P&L {}, capital flows {}.".format(*told)


def _flows(stored: StoredPortfolio) -> pl.DataFrame:
    flow = pl.col("daily_capital_flow")
    return stored.snapshots.filter(flow.is_not_null(), flow != 0).select("date", "equity_balance", flow=flow)


def _equity_chart(stored: StoredPortfolio) -> Chart:
    frame = stored.snapshots.select("date", "equity_balance")
    flows = _flows(stored)
    drawn = series(equity_balance="Equity")
    arrows = [LegendKey("Paid in", "up", shape="up"), LegendKey("Paid out", "down", shape="down")]
    shape = shape_table("Equity by session", frame, drawn, partial(money, currency=stored.currency))
    return chart(
        "Equity",
        f"Line of equity by session, {_range(stored, 'equity_balance')}; arrows mark {flows.height} sessions "
        "in which money was paid in or out.",
        marked_line(frame, "equity_balance", flows, money_format(stored.currency)),
        280,
        unit=stored.currency,
        legend=[drawn[0].key, *(arrows if flows.height else [])],
        notes=gap_notes(stored, "pnl", "equity_balance"),
        tables=[shape, *([_flow_table(stored)] if flows.height else [])],
    )


def _daily_chart(stored: StoredPortfolio) -> Chart:
    frame = stored.snapshots.select("date", "daily_pnl")
    known = frame["daily_pnl"].drop_nulls()
    form = partial(money, currency=stored.currency, toned=True)
    return chart(
        "P&L by session",
        f"Columns of P&L by session: {(known > 0).sum()} gains and {(known < 0).sum()} losses, "
        f"{_range(stored, 'daily_pnl')}.",
        columns(frame, "daily_pnl", money_format(stored.currency)),
        220,
        width="half",
        unit=stored.currency,
        notes=gap_notes(stored, "pnl", "daily_pnl"),
        tables=[shape_table("P&L by session", frame, series(daily_pnl="P&L"), form)],
    )


def _total_chart(stored: StoredPortfolio) -> Chart:
    drawn = series(total="P&L", realized="of which realized")
    frame = stored.snapshots.select(
        "date",
        total=pl.col("daily_pnl").cum_sum().round(2),
        realized=pl.col("daily_realized_pnl").cum_sum().round(2),
    )
    form = partial(money, currency=stored.currency, toned=True)
    return chart(
        "P&L added up",
        "Lines of P&L added up since the window's start, in all and realized.",
        lines(frame, drawn, money_format(stored.currency), zero=True),
        220,
        width="half",
        unit=f"{stored.currency} since the window's start",
        legend=[one.key for one in drawn],
        tables=[shape_table("P&L added up", frame, drawn, form)],
    )


def _range(stored: StoredPortfolio, column: str) -> str:
    known = stored.snapshots[column].drop_nulls()
    if known.is_empty():
        return "nothing computed"
    low, high = (short_money(float(v), stored.currency) for v in (known.min(), known.max()))  # type: ignore[arg-type]
    return f"from {low} to {high}"


def _flow_table(stored: StoredPortfolio) -> PageTable:
    rows = [
        [day(row["date"]), money(row["flow"], stored.currency, toned=True, cents=True)]
        for row in _flows(stored).iter_rows(named=True)
    ]
    return PageTable("Capital flows by session, as booked", ("Session", stored.currency), rows)


def _months(stored: StoredPortfolio) -> PageTable:
    amounts = ("daily_pnl", "daily_realized_pnl", "daily_capital_flow")
    months = (
        stored.snapshots.group_by(month=pl.col("date").dt.truncate("1mo"), maintain_order=True)
        .agg(
            *(pl.col(name).drop_nulls().sum().round(2) for name in amounts),
            growth=(1 + pl.col("daily_return")).clip(lower_bound=0.0).product() - 1,
            equity=pl.col("equity_balance").last(),
            sessions=pl.col("daily_pnl").count(),
        )
        .sort("month")
    )
    rows = [_month(row, stored.currency) for row in months.iter_rows(named=True)]
    headings = ("Month", "Sessions", "P&L", "Realized", "Flows", "Return", "Equity at its end")
    return PageTable("By month", headings, rows)


def _month(row: dict[str, object], currency: str) -> list[Cell]:
    nothing = "no session of the month is stored"
    known = bool(row["sessions"])

    def amount(name: str, toned: bool) -> Cell:
        return money(row[name] if known else None, currency, nothing, toned=toned)  # type: ignore[arg-type]

    return [
        word(f"{row['month']:%Y-%m}"),
        count(row["sessions"]),  # type: ignore[arg-type]
        amount("daily_pnl", True),
        amount("daily_realized_pnl", True),
        amount("daily_capital_flow", False),
        percent(row["growth"] if known else None, nothing, digits=2, toned=True),  # type: ignore[arg-type]
        money(row["equity"], currency, "the month's last session has none"),  # type: ignore[arg-type]
    ]
