"""What the portfolio holds, long and short, in money and against its equity."""

from __future__ import annotations

from functools import partial

import polars as pl

from engine.html.blocks import Chart, Section
from engine.html.cells import money, percent, short_money
from engine.reports.charts.drawing import chart
from engine.reports.charts.lines import lines
from engine.reports.charts.scales import money_format, series
from engine.reports.sections.common import gap_notes, shape_table
from engine.reports.sections.glance import share
from engine.reports.stored import StoredPortfolio

DRAWN = series(long_value="Long", short_value="Short", gross_exposure="Gross", net_exposure="Net")


def exposures(stored: StoredPortfolio) -> Section:
    """Four exposures in money, and as shares of equity."""
    last = stored.last
    long, short = (short_money(last[name] or 0.0, stored.currency) for name in ("long_value", "short_value"))
    gross, net = (share(last[name], last["equity_balance"]) for name in ("gross_exposure", "net_exposure"))
    shares = gross.text if gross.missing else f"gross {gross.text}, net {net.text}"
    lead = (
        f"On {stored.end}: {last['num_long_positions']} long positions of {long}, "
        f"{last['num_short_positions']} short ones of {short}; as shares of equity {shares}."
    )
    return Section("exposures", "Exposures", lead, [_money(stored), _shares(stored)])


def _money(stored: StoredPortfolio) -> Chart:
    frame = stored.snapshots.select("date", *(one.column for one in DRAWN))
    form = partial(money, currency=stored.currency)
    return chart(
        "In money",
        "Lines of long, short, gross and net exposure by session, in money.",
        lines(frame, DRAWN, money_format(stored.currency), zero=True),
        240,
        width="half",
        unit=stored.currency,
        legend=[one.key for one in DRAWN],
        notes=gap_notes(stored, "snapshot", "gross_exposure"),
        tables=[shape_table("Exposures in money", frame, DRAWN, form)],
    )


def _shares(stored: StoredPortfolio) -> Chart:
    equity = pl.col("equity_balance")
    shares = {one.column: pl.when(equity > 0).then(pl.col(one.column) / equity) for one in DRAWN}
    frame = stored.snapshots.select("date", **shares)
    low = stored.snapshots.select((equity <= 0).sum()).item()
    return chart(
        "Against equity",
        "Lines of long, short, gross and net exposure by session, as shares of equity.",
        lines(frame, DRAWN, "%", zero=True),
        240,
        width="half",
        unit="percent of equity",
        legend=[one.key for one in DRAWN],
        notes=[f"Not computed in {low} sessions: the equity is not above 0."] if low else [],
        tables=[shape_table("Exposures against equity", frame, DRAWN, percent)],
    )
