"""The figures of every session."""

from __future__ import annotations

from engine.html.blocks import PageTable, Section
from engine.html.cells import Cell, day, money, percent, ratio
from engine.reports.missing_figures import NO_SNAPSHOT
from engine.reports.stored import StoredPortfolio

COLUMNS = {
    "equity_balance": "Equity",
    "daily_pnl": "P&L",
    "daily_return": "Return",
    "daily_capital_flow": "Flows",
    "long_value": "Long",
    "short_value": "Short",
    "gross_exposure": "Gross",
    "net_exposure": "Net",
    "realized_volatility_21d": "Vol. 21",
    "expected_volatility_21d": "Forecast",
    "beta_calculated_90d": "Market beta",
    "beta_provider_1y": "Provider beta",
}


def every_session(stored: StoredPortfolio) -> Section:
    """Return the main columns of the snapshots, a row for each session."""
    rows = [
        [
            day(row["date"]),
            *(_cell(stored.currency, name, row[name], row["portfolio_id"]) for name in COLUMNS),
        ]
        for row in stored.snapshots.iter_rows(named=True)
    ]
    note = "Data quality gives the reasons for figures that are not computed, by job and session."
    table = PageTable(
        f"{len(rows)} sessions", ("Session", *COLUMNS.values()), rows, note=note, folded=True, by_day=True
    )
    lead = "The figures behind the lines of this page, as stored."
    return Section("sessions", "Sessions", lead, [table])


def _cell(currency: str, name: str, value: float | None, snapshot: str | None) -> Cell:
    reason = "" if snapshot else NO_SNAPSHOT
    if "beta" in name:
        return ratio(value, reason)
    if "volatility" in name:
        return percent(value, reason)
    if name == "daily_return":
        return percent(value, reason, digits=2)
    return money(value, currency, reason)
