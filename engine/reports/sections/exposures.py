"""Long, short, gross and net exposure, as amounts and relative to equity."""

from __future__ import annotations

from functools import partial

import polars as pl

from engine.html.blocks import Chart, Section
from engine.html.cells import money, percent, short_money
from engine.reports.charts.drawing import chart
from engine.reports.charts.lines import lines
from engine.reports.charts.scales import money_format, series
from engine.reports.sections.common import gap_notes, series_summary, share
from engine.reports.stored import StoredPortfolio

SHOWN = series(long_value="Long", short_value="Short", gross_exposure="Gross", net_exposure="Net")


def exposures(stored: StoredPortfolio) -> Section:
    """Return four exposures, as amounts and as shares of equity."""
    last = stored.last
    long, short = (short_money(last[name] or 0.0, stored.currency) for name in ("long_value", "short_value"))
    gross, net = (share(last[name], last["equity_balance"]) for name in ("gross_exposure", "net_exposure"))
    shares = gross.text if gross.missing else f"gross {gross.text}, net {net.text}"
    lead = (
        f"On {stored.end}: {last['num_long_positions']} long positions of {long}, "
        f"{last['num_short_positions']} short positions of {short}; as shares of equity {shares}."
    )
    return Section("exposures", "Exposures", lead, [_amounts(stored), _shares(stored)])


def _amounts(stored: StoredPortfolio) -> Chart:
    frame = stored.snapshots.select("date", *(one.column for one in SHOWN))
    form = partial(money, currency=stored.currency)
    return chart(
        "Amounts",
        "Lines of long, short, gross and net exposure by session.",
        lines(frame, SHOWN, money_format(stored.currency), zero=True),
        240,
        width="half",
        unit=stored.currency,
        legend=[one.key for one in SHOWN],
        notes=gap_notes(stored, "snapshot", "gross_exposure"),
        tables=[series_summary("Exposures", frame, SHOWN, form)],
    )


def _shares(stored: StoredPortfolio) -> Chart:
    equity = pl.col("equity_balance")
    shares = {one.column: pl.when(equity > 0).then(pl.col(one.column) / equity) for one in SHOWN}
    frame = stored.snapshots.select("date", **shares)
    low = stored.snapshots.select((equity <= 0).sum()).item()
    return chart(
        "Relative to equity",
        "Lines of long, short, gross and net exposure by session, as shares of equity.",
        lines(frame, SHOWN, "%", zero=True),
        240,
        width="half",
        unit="percent of equity",
        legend=[one.key for one in SHOWN],
        notes=[f"Not computed in {low} sessions: the equity is not above 0."] if low else [],
        tables=[series_summary("Exposures relative to equity", frame, SHOWN, percent)],
    )
