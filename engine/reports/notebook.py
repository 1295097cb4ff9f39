"""Pages and charts of a store inside a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from engine.analyst.open_store import OpenStore, Portfolios, opened
from engine.core.errors import UsageError
from engine.core.names import check_columns, distinct_labels
from engine.core.schema import TABLES
from engine.html.inline import InlinePage
from engine.reports import fleet_page, portfolio_page
from engine.reports.page_errors import require_extra
from engine.reports.stored import SNAPSHOT_DATE

SNAPSHOTS = TABLES["portfolio_snapshots"]
WIDTH, HEIGHT = 720, 300
"""Pixels of a chart."""


@dataclass(frozen=True)
class InlineChart:
    """A chart that a notebook shows: as Vega-Lite where it can draw that, else as a drawing.

    Attributes:
        chart: the Altair chart, to be changed or saved.
    """

    chart: Any

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        import altair as alt

        from engine.reports.charts.drawing import plain_svg

        version = alt.SCHEMA_VERSION.split(".")[0].removeprefix("v")
        return {
            f"application/vnd.vegalite.v{version}+json": self.chart.to_dict(),
            "image/svg+xml": plain_svg(self.chart),
            "text/plain": "InlineChart",
        }


def inline_page(url: str, portfolio: str | None, start: date | None, end: date | None) -> InlinePage:
    """Return the page of a portfolio, or of all.

    Args:
        url: the store.
        portfolio: id or name; None for the page of all.
        start: first day; None: from the first stored session.
        end: last day; None: to the last stored session.
    """
    if portfolio is None:
        return InlinePage(fleet_page(url, start, end))
    return InlinePage(portfolio_page(url, portfolio, start, end))


def inline_chart(
    url: str, figure: str, portfolios: Portfolios | None, start: date | None, end: date | None
) -> InlineChart:
    """Return a chart of a figure of portfolio_snapshots, a line for each portfolio.

    Args:
        url: the store.
        figure: name of the column.
        portfolios: ids or names; None for all that are not deleted.
        start: first day; None for no limit.
        end: last day; None for no limit.

    Raises:
        UsageError: the column holds no numbers, or the store has no session of these days.
    """
    require_extra()
    check_columns(SNAPSHOTS, [figure])
    if SNAPSHOTS[figure].type.kind not in ("numeric", "integer"):
        raise UsageError(f"{figure} holds no numbers", "Choose another column of portfolio_snapshots")
    with opened(url) as store:
        rows = _named(store, figure, portfolios, start, end)
    if rows.is_empty():
        raise UsageError("no session of these days is stored", "`engine backfill` computes them")
    return InlineChart(_lines(rows, figure))


def _named(
    store: OpenStore, figure: str, portfolios: Portfolios | None, start: date | None, end: date | None
) -> pl.DataFrame:
    """Return portfolio, session and figure; an unstored figure is null, which breaks the line."""
    live = store.portfolios
    wanted = live["id"].to_list() if portfolios is None else portfolios
    columns = ["portfolio_id", SNAPSHOT_DATE, figure]
    rows = store.read(SNAPSHOTS.name, wanted, start, end, columns)
    known = dict(store.read("portfolios", columns=["id", "name"]).iter_rows())
    shown = {key: known[key] or key for key in rows["portfolio_id"].unique().sort()}
    label = pl.col("portfolio_id").replace_strict(distinct_labels(shown), return_dtype=pl.String)
    return rows.select(
        SNAPSHOT_DATE, portfolio=label, **{figure: pl.col(figure).cast(pl.Float64).fill_nan(None)}
    ).sort("portfolio", SNAPSHOT_DATE)


def _lines(rows: pl.DataFrame, figure: str) -> Any:
    import altair as alt

    unit = SNAPSHOTS[figure].unit
    form = "$,.2f" if unit.startswith("USD") else ".2%" if unit.startswith("fraction") else ",.4~f"
    axis = "$~s" if unit.startswith("USD") else "%" if unit.startswith("fraction") else "~s"
    title = f"{figure}, {unit}" if unit else figure
    tips: Sequence[alt.Tooltip] = [
        alt.Tooltip("portfolio:N"),
        alt.Tooltip(f"{SNAPSHOT_DATE}:T", format="%Y-%m-%d", title="session"),
        alt.Tooltip(f"{figure}:Q", format=form),
    ]
    return (
        alt.Chart(rows)
        .mark_line(point=alt.OverlayMarkDef(opacity=0, size=60))
        .encode(
            x=alt.X(f"{SNAPSHOT_DATE}:T", title=None),
            y=alt.Y(f"{figure}:Q", title=title, axis=alt.Axis(format=axis), scale=alt.Scale(zero=False)),
            color=alt.Color("portfolio:N", title=None),
            strokeDash=alt.StrokeDash("portfolio:N", title=None),
            tooltip=tips,
        )
        .properties(width=WIDTH, height=HEIGHT)
        .interactive()
    )
