"""explain(): find the figure, load its case, recompute it and compare it with the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from engine.batch.gate_inputs import never_due
from engine.core.calendar import sessions
from engine.core.errors import NoPricesError, UsageError
from engine.core.frames import empty
from engine.core.names import portfolio_id
from engine.core.rules import Rules
from engine.core.schema import TABLES
from engine.core.store_url import safe_url
from engine.core.window import ONE_DAY, Window
from engine.pipeline.inputs import Inputs
from loaders import open_reader
from loaders.reader import Reader
from loaders.slices import has_days, read_slice
from loaders.window import load_window

BESIDE = ("factor_definitions", "position_tags")
"""Tables without figures whose rows explanations need."""
SNAPSHOTS = "portfolio_snapshots"
OVERWRITTEN = "later sessions have overwritten the stored row"


class UnknownSessionError(UsageError, LookupError):
    """The portfolio has no session on the day."""

    def __init__(self, portfolio: str, day: date, stored: Sequence[date]) -> None:
        self.portfolio, self.day = portfolio, day
        close = min(stored, key=lambda other: abs((other - day).days), default=None)
        nearest = f" (nearest: {close})" if close else ""
        super().__init__(f"portfolio {portfolio} has no session of {day}{nearest}")


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
    row: Mapping[str, str | int] | None = None,
    source: Store | str | None = None,
    rules: Rules | None = None,
    scenarios: Scenarios | None = None,
) -> Explanation:
    """Recompute a stored figure and return its formula, steps, sessions and inputs.

    The figure is recomputed from the inputs, one lot and session after the other, without
    the engine's vectorised code. Values that a calculation reads from stored rows are read from there. An
    unknown portfolio, session, figure or selector raises a `UsageError` that names the nearest match.

    Args:
        store: Store of the figures, or its URL.
        portfolio: Id or name.
        day: The session.
        figure: Column name.
        table: Table name, needed if several tables have the column and the selectors do not decide.
        position: Position id.
        symbol: Symbol of the position, or two symbols of a correlation.
        factor: Factor name.
        scenario: Scenario id or name.
        job: Job of analytics_status.
        tag: Tag name.
        row: Values of further columns of the row's key, such as {"method": "model", "level": 95} of
            engine_value_at_risk.
        source: Store of prices and positions, or its URL; default the same store.
        rules: Rules of the figures; default those of the store.
        scenarios: Scenarios of the run; default the shipped ones.

    Returns:
        Explanation with the recomputed value, the stored value and a verdict.

    >>> import engine
    >>> from datetime import date
    >>> store = engine.open("duckdb:///demo.duckdb")
    >>> explanation = engine.explain(store, "Demo Growth 3", date(2025, 12, 19), "equity_balance")
    >>> explanation.verdict
    'equal'
    >>> explanation.working.symbolic
    'equity_balance = E0 + T + F'
    >>> day = date(2025, 12, 19)
    >>> size = engine.explain(store, "Demo Growth 3", day, "exposure_value", factor="Size Spread")
    >>> size.working.frames["lots"].columns
    ['symbol', 'position_id', 'value', 'beta', 'source']
    """
    figures = store if isinstance(store, Store) else open_store(store)
    inputs = figures if source is None else source if isinstance(source, Store) else open_store(source)
    asked = Selectors(position, symbol, factor, scenario, job, tag, row or {})
    table = figure_named(figure, table, asked)
    case = load_case(figures, inputs, portfolio, day, rules or figures.rules, scenarios or load_scenarios())
    return of_case(case, select(case, table, figure, asked))


def of_case(case: Case, ask: Ask) -> Explanation:
    """Return the explanation of one figure of a case.

    Args:
        case: Portfolio and session.
        ask: Figure and key of its row; the stored row is looked up here.
    """
    column = TABLES[ask.table][ask.column]
    row = _stored_row(case, ask)
    ask = replace(ask, row=row)
    if case.refusal:
        working = absent(ask.column, f"the portfolio was refused: {case.refusal}")
    else:
        working = CATALOG[ask.table][ask.column](case, ask)
    if overwritten(case, ask):
        working = replace(working, notes=(*working.notes, OVERWRITTEN))
    computed, stored = stored_form(column, working.value), read_form(column, row[ask.column] if row else None)
    equal = same(column, computed, stored, working.tolerance)
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
        stored=stored,
        has_row=row is not None,
        status=_status(case, ask),
        verdict=_verdict(case, ask, working, equal),
    )


def _verdict(case: Case, ask: Ask, working: Working, equal: bool) -> Verdict:
    if not working.checked or overwritten(case, ask):
        return "unchecked"
    if not equal:
        return "differs"
    return "absent" if working.value is None else "equal"


def overwritten(case: Case, ask: Ask) -> bool:
    """Return whether later sessions have overwritten the row: some tables keep the newest state only.

    Args:
        case: Whether its session is the newest stored one.
        ask: Its table counts.
    """
    return ask.table in ("positions", "portfolios") and not case.newest_session


def load_case(
    store: Store, source: Store, portfolio: str | UUID, day: date, rules: Rules, scenarios: Scenarios
) -> Case:
    """Load the stored rows and inputs of a portfolio's session.

    An unknown portfolio or session raises a `UsageError`, a source without closes a `NoPricesError`.

    Args:
        store: Store of the figures.
        source: Store of the inputs, may be the same.
        portfolio: Id or name.
        day: The session.
        rules: Rules of the figures.
        scenarios: Scenarios of the run.

    Returns:
        Case for `of_case`.
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
        window = replace(window, skipped=_skipped(reader, earlier, day))
        inputs = load_window(reader, window, [owner], replays=scenarios.windows)
    if source.url != store.url:
        carried = pl.DataFrame({"portfolio_id": owner, "date": earlier}, inputs.carried.schema)
        inputs = replace(inputs, carried=carried)
    if inputs.closes.is_empty() and inputs.positions.height:
        raise no_prices
    stored["tags_v2"] = _tags(stored["tags_v2"], inputs.portfolios, owner)
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
        refusal=_refusal(inputs, rules, owner),
    )


def _refusal(inputs: Inputs, rules: Rules, owner: str) -> str:
    """Return why a portfolio is not computed; empty if it is."""
    for row in inputs.refused.filter(portfolio_id=owner).iter_rows(named=True):
        return str(row["reason"])
    if rules.inconsistent_rows == "refused":
        for row in inputs.grave.filter(portfolio_id=owner).iter_rows(named=True):
            return f"{row['table']}.{row['column']} {row['rule']}"
    return ""


def _sessions(reader: Reader, owner: str, name: str, day: date) -> tuple[list[date], date]:
    """Return the portfolio's sessions and the run date of the given session."""
    columns = ["portfolio_id", "snapshot_date", "created_at", "equity_balance"]
    snapshots = reader.read(SNAPSHOTS, columns).drop_nulls("equity_balance")
    mine = snapshots.filter(portfolio_id=owner)
    # A refused or deleted portfolio has no snapshots; its positions are marked in the others' sessions.
    rows = mine if mine.height else snapshots
    days = sorted(set(rows["snapshot_date"]))
    if day not in days:
        raise UnknownSessionError(name, day, days)
    written = rows.filter(snapshot_date=day)["created_at"].max()
    assert isinstance(written, datetime)
    return days, written.date()


def _skipped(reader: Reader, earlier: Sequence[date], day: date) -> tuple[date, ...]:
    """Return the sessions between the portfolio's last one and a day that no run computes."""
    between = sessions(earlier[-1] + ONE_DAY, day - ONE_DAY) if earlier else []
    return tuple(never_due(reader, between)) if between else ()


def _slice(reader: Reader, name: str, owner: str, day: date) -> pl.DataFrame:
    table = TABLES[name]
    if name not in reader.columns:
        return empty(table)
    owners = [owner] if table.owner else None
    if not has_days(table):
        return read_slice(reader, table, owners)
    return read_slice(reader, table, owners, None if name in READ_BACK else day, day)


def _tags(tags: pl.DataFrame, portfolios: pl.DataFrame, owner: str) -> pl.DataFrame:
    """Keep the active tags of the portfolio's user, sorted by name."""
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
    wanted |= dict(ask.row_key)
    matching = rows.filter(pl.lit(True), **wanted)
    return matching.row(0, named=True) if matching.height else None


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
    named = {name: value for name, value in parts.items() if value}
    return named | {name: f"{value}" for name, value in ask.row_key}


def _status(case: Case, ask: Ask) -> pl.DataFrame:
    job = job_of(ask)
    rows = case.rows("analytics_status").filter(job=job)
    return rows.select("job", "status", "reason", "positions_used", "positions_left_out")
