"""Equity and P&L, with deposits and withdrawals."""

from __future__ import annotations

from functools import partial
from typing import Any

import polars as pl

from engine.core.funds import MARKET_FUND
from engine.html.blocks import Block, Chart, LegendKey, PageTable, Section
from engine.html.cells import Cell, count, day, money, percent, short_money
from engine.reports.charts.drawing import chart
from engine.reports.charts.lines import columns, lines, marked_line
from engine.reports.charts.scales import money_format, series
from engine.reports.measures.benchmark import benchmark
from engine.reports.sections.common import cents_sum, gap_notes, series_summary
from engine.reports.stored import StoredPortfolio

COMPARED = (
    f"All in {MARKET_FUND}: the same opening equity, deposits and withdrawals, held in the market's fund, by "
    "price, without dividends."
)
NOTHING_TO_COMPARE = f"No benchmark: the store has no closes of {MARKET_FUND} in these sessions."


def equity(stored: StoredPortfolio) -> Section:
    """Return equity with its flows, P&L by session and in total, and both by month."""
    blocks: list[Block] = [_equity_chart(stored), _daily_chart(stored), _total_chart(stored), _months(stored)]
    return Section("equity", "Equity and P&L", _lead(stored), blocks)


def _lead(stored: StoredPortfolio) -> str:
    opening, closing = stored.opening_equity, stored.last["equity_balance"]
    pnl, flow = (cents_sum(stored.snapshots[name]) for name in ("daily_pnl", "daily_capital_flow"))
    if opening is None or closing is None or pnl is None or flow is None:
        return "Not every session of the window has an equity: see Data quality."
    amounts = (short_money(value, stored.currency) for value in (opening, closing, pnl, flow))
    return "Equity went from {} to {}: P&L {}, capital flows {}.".format(*amounts)


def _flows(stored: StoredPortfolio) -> pl.DataFrame:
    flow = pl.col("daily_capital_flow")
    return stored.snapshots.filter(flow.is_not_null(), flow != 0).select("date", "equity_balance", flow=flow)


def _equity_chart(stored: StoredPortfolio) -> Chart:
    market = benchmark(stored).select("date", "benchmark_equity")
    frame = stored.snapshots.select("date", "equity_balance").join(market, on="date", maintain_order="left")
    flows = _flows(stored)
    own, *others = series(equity_balance="Equity", benchmark_equity=f"All in {MARKET_FUND}")
    known = frame["benchmark_equity"].count() > 0
    shown = [own, *others] if known else [own]
    arrows = [LegendKey("Deposit", "up", shape="up"), LegendKey("Withdrawal", "down", shape="down")]
    summary = series_summary("Equity by session", frame, shown, partial(money, currency=stored.currency))
    return chart(
        "Equity",
        f"Line of equity by session, {_range(stored, 'equity_balance')}; arrows mark {flows.height} sessions "
        "with deposits or withdrawals.",
        marked_line(frame, own, others[0] if known else None, flows, money_format(stored.currency)),
        280,
        unit=stored.currency,
        legend=[*(one.key for one in shown), *(arrows if flows.height else [])],
        notes=[*gap_notes(stored, "pnl", "equity_balance"), COMPARED if known else NOTHING_TO_COMPARE],
        tables=[summary, *([_flow_table(stored)] if flows.height else [])],
    )


def _daily_chart(stored: StoredPortfolio) -> Chart:
    frame = stored.snapshots.select("date", "daily_pnl")
    known = frame["daily_pnl"].drop_nulls()
    form = partial(money, currency=stored.currency, toned=True)
    return chart(
        "P&L by session",
        f"Columns of P&L by session: {(known > 0).sum()} gains and {(known < 0).sum()} losses, "
        f"{_range(stored, 'daily_pnl')}.",
        columns(frame, "daily_pnl", money_format(stored.currency), "P&L"),
        220,
        width="half",
        unit=stored.currency,
        notes=gap_notes(stored, "pnl", "daily_pnl"),
        tables=[series_summary("P&L by session", frame, series(daily_pnl="P&L"), form)],
    )


def _total_chart(stored: StoredPortfolio) -> Chart:
    shown = series(total="P&L", realized="of which realized")
    frame = stored.snapshots.select(
        "date",
        total=pl.col("daily_pnl").cum_sum().round(2),
        realized=pl.col("daily_realized_pnl").cum_sum().round(2),
    )
    form = partial(money, currency=stored.currency, toned=True)
    return chart(
        "Cumulative P&L",
        "Lines of the P&L since the start of the window, total and realized.",
        lines(frame, shown, money_format(stored.currency), zero=True),
        220,
        width="half",
        unit=f"{stored.currency} since the start of the window",
        legend=[one.key for one in shown],
        tables=[series_summary("Cumulative P&L", frame, shown, form)],
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
    return PageTable("Capital flows by session, as booked", ("Session", stored.currency), rows, by_day=True)


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
    headings = ("Month", "Sessions", "P&L", "Realized", "Flows", "Return", "Equity at month end")
    return PageTable("By month", headings, rows, by_day=True)


def _month(row: dict[str, Any], currency: str) -> list[Cell]:
    nothing = "no session of the month is stored"
    month = f"{row['month']:%Y-%m}"
    # The sums of a month without a session are 0, not null.
    known = row if row["sessions"] else dict.fromkeys(row)
    return [
        Cell(month, month),
        count(row["sessions"]),
        money(known["daily_pnl"], currency, nothing, toned=True),
        money(known["daily_realized_pnl"], currency, nothing, toned=True),
        money(known["daily_capital_flow"], currency, nothing),
        percent(known["growth"], nothing, digits=2, toned=True),
        money(row["equity"], currency, "the month's last session has none"),
    ]
