"""explain(): find the figure that is meant, load its case, work it out, hold it against the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import polars as pl

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import READ_BACK, Case
from engine.analyst.explain.catalog import CATALOG
from engine.analyst.explain.explanation import Explanation, Verdict, read_form, same, stored_form
from engine.analyst.explain.jobs import job_of
from engine.analyst.explain.selection import Selectors, figure_named, select
from engine.analyst.explain.working import Working, absent
from engine.analyst.store import Store
from engine.analyst.store import open as open_store
from engine.analytics.stress.scenarios import Scenarios, load_scenarios
from engine.core.calendar import sessions
from engine.core.errors import NoPricesError, UsageError
from engine.core.frames import empty
from engine.core.names import portfolio_id
from engine.core.rules import Rules
from engine.core.schema import TABLES
from engine.core.store_url import safe_url
from engine.core.window import Window
from loaders import open_reader
from loaders.reader import Reader
from loaders.slices import has_days, read_slice
from loaders.window import load_window

BESIDE = ("factor_definitions", "position_tags")
"""Tables without figures of their own that explanations look at."""
OVERTAKEN = "later sessions have overwritten the stored row"


class UnknownSessionError(UsageError, LookupError):
    """A day that a portfolio was not run for."""

    def __init__(self, portfolio: str, day: date, known: Sequence[date]) -> None:
        self.portfolio, self.day = portfolio, day
        close = min(known, key=lambda other: abs((other - day).days), default=None)
        told = f" (nearest: {close})" if close else ""
        super().__init__(f"portfolio {portfolio} has no session of {day}{told}")


def explain(
    store: Store | str,
    portfolio: str | UUID,
    day: date,
    figure: str,
    *,
    table: str | None = None,
    position: str | UUID | None = None,
    symbol: str | Sequence[str] | None = None,
    factor: str | None = None,
    scenario: str | None = None,
    job: str | None = None,
    tag: str | None = None,
    source: Store | str | None = None,
    rules: Rules | None = None,
    scenarios: Scenarios | None = None,
) -> Explanation:
    """How a stored figure came about: its inputs, sessions, formula and steps.

    Everything is computed anew from the inputs, one lot and session after the other; what a
    calculation reads back from a table is read back. The last line is held against what is stored.

    >>> import engine
    >>> from datetime import date
    >>> store = engine.open("duckdb:///demo.duckdb")
    >>> found = engine.explain(store, "Demo Growth 3", date(2025, 12, 19), "equity_balance")
    >>> found.verdict
    'equal'
    >>> found.working.symbolic
    'equity_balance = E0 + T + F'
    >>> day = date(2025, 12, 19)
    >>> size = engine.explain(store, "Demo Growth 3", day, "exposure_value", factor="Size Spread")
    >>> size.working.frames["lots"].columns
    ['symbol', 'position_id', 'value', 'beta', 'source']

    Args:
        store: where the figures are.
        portfolio: id or name. day: the session. figure: the column.
        table: needed where several tables have such a column and the row says not which.
        position: id. symbol: of the position; two, of a pair of correlations.
        factor, scenario, tag: names. job: of analytics_status.
        source: where prices and positions are; default the same store.
        rules: default those of the store. scenarios: those of the run; default the shipped ones.

    Raises:
        UsageError: no such portfolio, session, figure, position, ...: with the nearest there is.
    """
    figures = store if isinstance(store, Store) else open_store(store)
    inputs = figures if source is None else source if isinstance(source, Store) else open_store(source)
    asked = Selectors(position, symbol, factor, scenario, job, tag)
    known = figure_named(figure, table, asked)
    case = load_case(figures, inputs, portfolio, day, rules or figures.rules, scenarios or load_scenarios())
    return of_case(case, select(case, known, figure, asked))


def of_case(case: Case, ask: Ask) -> Explanation:
    """The explanation of a figure of a case."""
    column = TABLES[ask.table][ask.column]
    row = _stored_row(case, ask)
    ask = replace(ask, row=row)
    if case.refusal:
        working = absent(ask.column, f"the portfolio was refused: {case.refusal}")
    else:
        working = CATALOG[ask.table][ask.column](case, ask)
    if overtaken(case, ask):
        working = replace(working, notes=(*working.notes, OVERTAKEN))
    computed, held = stored_form(column, working.value), read_form(column, row[ask.column] if row else None)
    return Explanation(
        table=ask.table,
        column=column,
        portfolio=case.name,
        day=case.day,
        key=_key(case, ask),
        source=case.source,
        run_date=case.run_date,
        working=working,
        computed=computed,
        stored=held,
        has_row=row is not None,
        status=_status(case, ask),
        verdict=_verdict(case, ask, working, same(column, computed, held)),
    )


def _verdict(case: Case, ask: Ask, working: Working, equal: bool) -> Verdict:
    if not working.checked or overtaken(case, ask):
        return "unchecked"
    if not equal:
        return "differs"
    return "absent" if working.value is None else "equal"


def overtaken(case: Case, ask: Ask) -> bool:
    """Whether the row has been overwritten since: it holds the newest session's figures only."""
    return ask.table in ("positions", "portfolios") and not case.newest_session


def load_case(
    store: Store, source: Store, portfolio: str | UUID, day: date, rules: Rules, scenarios: Scenarios
) -> Case:
    """A portfolio's session, with everything that its figures rest on.

    Raises:
        UsageError: no such portfolio, or no such session of it.
        NoPricesError: the source holds none.
    """
    with open_reader(store.url) as reader:
        rows = reader.read("portfolios", ["id", "name"])
        owner = portfolio_id(rows, portfolio, f"store {safe_url(store.url)}")
        name = rows.filter(id=owner)["name"][0]
        days, written = _sessions(reader, owner, name, day)
        stored = {table: _slice(reader, table, owner, day) for table in (*CATALOG, *BESIDE)}
    earlier = tuple(d for d in days if d < day and d in set(sessions(days[0], day)))
    window = Window(day, day, written, known=(day,))
    no_prices = NoPricesError(source.url, f"{window.first_price}", f"{day}")
    with open_reader(source.url) as reader:
        if "market_data_cache" not in reader.columns:
            raise no_prices
        inputs = load_window(reader, window, [owner])
    if source.url != store.url:
        carried = pl.DataFrame({"portfolio_id": owner, "date": earlier}, inputs.carried.schema)
        inputs = replace(inputs, carried=carried)
    if inputs.closes.is_empty() and inputs.positions.height:
        raise no_prices
    stored["tags_v2"] = _tags(stored["tags_v2"], inputs.portfolios, owner)
    refused = inputs.refused.filter(portfolio_id=owner)
    return Case(
        stored=stored,
        inputs=inputs,
        source=safe_url(source.url),
        portfolio=owner,
        name=name,
        day=day,
        earlier=earlier,
        rules=rules,
        scenarios=scenarios,
        own_inputs=source.url != store.url,
        newest_session=day == days[-1],
        refusal=refused["reason"][0] if refused.height else "",
    )


def _sessions(reader: Reader, owner: str, name: str, day: date) -> tuple[list[date], date]:
    """The sessions that the portfolio was run for, and the run date of the one asked for.

    A portfolio that never left a snapshot, refused or deleted, has the others' sessions: its
    positions were marked in them.
    """
    columns = ["portfolio_id", "snapshot_date", "created_at", "equity_balance"]
    snapshots = reader.read("portfolio_snapshots", columns).drop_nulls("equity_balance")
    mine = snapshots.filter(portfolio_id=owner)
    known = mine if mine.height else snapshots
    days = sorted(set(known["snapshot_date"]))
    if day not in days:
        raise UnknownSessionError(name, day, days)
    written = known.filter(snapshot_date=day)["created_at"].max()
    assert isinstance(written, datetime)
    return days, written.date()


def _slice(reader: Reader, name: str, owner: str, day: date) -> pl.DataFrame:
    table = TABLES[name]
    if name not in reader.columns:
        return empty(table)
    owners = [owner] if table.owner else None
    if not has_days(table):
        return read_slice(reader, table, owners)
    return read_slice(reader, table, owners, None if name in READ_BACK else day, day)


def _tags(tags: pl.DataFrame, portfolios: pl.DataFrame, owner: str) -> pl.DataFrame:
    """Those of the portfolio's user that are not archived, by name."""
    users = portfolios.filter(id=owner)["user_id"]
    mine = pl.col("user_id").is_in(users.implode()) & ~pl.col("is_archived")
    return tags.filter(mine).sort("name")


def _stored_row(case: Case, ask: Ask) -> dict[str, Any] | None:
    rows = case.rows(ask.table)
    wanted: dict[str, object] = {}
    if ask.lot is not None:
        wanted["id" if ask.table == "positions" else "position_id"] = ask.lot.id
    if ask.factor:
        wanted["factor_id"] = case.factors.get(ask.factor, "")
    if ask.scenario:
        ids = dict(case.inputs.scenarios.select("scenario_id", "id").iter_rows())
        wanted["scenario_id"] = ids.get(ask.scenario, "")
    if ask.job:
        wanted["job"] = ask.job
    if ask.tag:
        wanted["name"] = ask.tag
    if any(ask.pair):
        wanted |= {"symbol_1": ask.pair[0], "symbol_2": ask.pair[1]}
    found = rows.filter(pl.lit(True), **wanted)
    return found.row(0, named=True) if found.height else None


def _key(case: Case, ask: Ask) -> dict[str, str]:
    parts = {
        "portfolio": case.name,
        "session": f"{case.day}",
        "position": f"{ask.lot.symbol} ({ask.lot.id})" if ask.lot else "",
        "factor": ask.factor,
        "scenario": ask.scenario,
        "pair": " / ".join(ask.pair).strip(" /"),
        "job": ask.job,
        "tag": ask.tag,
    }
    return {name: value for name, value in parts.items() if value}


def _status(case: Case, ask: Ask) -> pl.DataFrame:
    job = job_of(ask)
    rows = case.rows("analytics_status").filter(job=job)
    return rows.select("job", "status", "reason", "positions_used", "positions_left_out")
