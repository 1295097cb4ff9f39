"""Engine results held to the slow derivation of `engine.explain`, figure by figure.

A session's figures are derived from the inputs and from what earlier sessions stored. As every stored
row is checked, session after session, the whole window is: see docs/explanation/parity.md.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product
from typing import Any

import polars as pl

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import READ_BACK, Case
from engine.analyst.explain.catalog import CATALOG
from engine.analyst.explain.explaining import BESIDE
from engine.analyst.explain.explanation import read_form, same, stored_form
from engine.analyst.explain.fixed import never
from engine.analyst.explain.jobs import documented
from engine.analyst.explain.rounding import undefined
from engine.analyst.explain.selection import NEEDS, ROW_KEYS, factors_of, row_values
from engine.analytics.stress.scenarios import Scenarios
from engine.core.frames import empty
from engine.core.job_catalog import JOBS
from engine.core.rules import Rules
from engine.core.schema import TABLES
from engine.pipeline.inputs import Inputs
from engine.pipeline.results import Results

Frames = Mapping[str, pl.DataFrame]
Key = tuple[Any, ...]
PARTS = {
    "position": ("position_id",),
    "factor": ("factor_id",),
    "scenario": ("scenario_id",),
    "pair": ("symbol_1", "symbol_2"),
    "job": ("job",),
}
"""The columns in which a row bears each part of its key."""
PARENTS = {
    "position_id": "positions",
    "correlation_calculation_id": "correlation_calculations",
    "cluster_id": "correlation_clusters",
}
"""By the column that leads to the portfolio, the table of the row that it refers to."""
UNDERIVED = ("tags_v2",)
"""usage_count counts events: tests/analytics/test_sector_tags.py holds it to a reference of its own."""
STATE = ("positions", "portfolios")
"""Tables whose rows are those of the last session."""
DOCUMENTS = 1e-12
"""Relative: numbers in the documents of stress tests are not rounded, and are summed in another order."""
A_TIE = 1e-9
"""Relative: how near to half a cent dollars must be to go either way."""
TIES = ("exposure_dollar", "direct_pnl", "correlated_pnl")
"""Dollars of floats that are exact ties at times: of a capped beta, or of cents times a shock of 10 %."""


def differences(
    inputs: Inputs,
    results: Results,
    earlier: Frames,
    rules: Rules,
    scenarios: Scenarios,
    tables: Collection[str] = tuple(CATALOG),
) -> list[str]:
    """Return the stored figures of a window that are not the derived ones, as text.

    Args:
        inputs: of a first run over the window.
        results: what the engine made of them; portfolios among its failures are not looked at.
        earlier: the stored rows of before the window, by table.
        tables: those to check.
    """
    left_out = set(results.failures["portfolio_id"])
    return [
        difference
        for owner, name in inputs.portfolios.select("id", "name").iter_rows()
        if owner not in left_out
        for day in inputs.window.sessions
        for difference in of_session(
            session(inputs, results.tables, earlier, rules, scenarios, owner, name, day), tables
        )
    ]


def session(
    inputs: Inputs,
    results: Frames,
    earlier: Frames,
    rules: Rules,
    scenarios: Scenarios,
    owner: str,
    name: str,
    day: date,
) -> Case:
    """Return the case of a portfolio's session."""
    sessions = inputs.window.sessions
    return Case(
        stored={table: _stored(table, results, earlier, owner, day) for table in (*CATALOG, *BESIDE)},
        # As `engine.explain` loads them: for the session alone.
        inputs=replace(inputs, window=replace(inputs.window, start=day, end=day)),
        source="memory",
        portfolio=owner,
        name=name,
        day=day,
        earlier=tuple(session for session in sessions if session < day),
        rules=rules,
        scenarios=scenarios,
        own_inputs=True,
        newest_session=day == sessions[-1],
    )


def _stored(name: str, results: Frames, earlier: Frames, owner: str, day: date) -> pl.DataFrame:
    """A portfolio's rows of a session; of the tables that later figures read, older ones too."""
    table = TABLES[name]
    rows = of_portfolio(results, name, owner, day)
    if name not in READ_BACK:
        return rows
    older = [earlier[name].select(rows.columns)] if name in earlier else []
    own = of_portfolio({**results, name: pl.concat([*older, results[name]])}, name, owner)
    return own.filter(pl.col(table.date or "") <= day)


def of_portfolio(tables: Frames, name: str, owner: str, day: date | None = None) -> pl.DataFrame:
    """Return a portfolio's rows of a table, of one session or of all."""
    table = TABLES[name]
    rows = tables[name] if name in tables else empty(table)
    if table.date and day:
        rows = rows.filter(pl.col(table.date).cast(pl.Date) == day)
    column = pl.col(table.owner or "")
    if table.owner in PARENTS:
        parents = of_portfolio(tables, PARENTS[table.owner], owner, day)
        return rows.filter(column.is_in(parents["id"].implode()))
    return rows.filter(column == owner) if table.owner else rows


def of_session(case: Case, tables: Collection[str] = tuple(CATALOG)) -> list[str]:
    """Return the figures of a portfolio's session that differ from the derived ones, as text."""
    derived = (name for name in tables if any(how is not documented for how in CATALOG[name].values()))
    checked = [name for name in derived if name not in UNDERIVED]
    return [
        difference
        for name in checked
        if case.newest_session or name not in STATE
        for difference in _of_table(case, name)
    ]


def _of_table(case: Case, name: str) -> Iterator[str]:
    columns = ("id",) if name == "positions" else _key_columns(name)
    stored = case.rows(name)
    rows = {tuple(row[column] for column in columns): row for row in stored.iter_rows(named=True)}
    if len(rows) < stored.height:
        yield f"{name} of {case.day}: several rows of one key"
    for key, ask in _asks(case, name):
        yield from _of_row(case, replace(ask, row=rows.pop(key, None)), key)
    yield from (f"{name} of {case.day}, {key}: a row that nothing derives" for key in rows)


def _of_row(case: Case, ask: Ask, key: Key) -> Iterator[str]:
    for name, derive in CATALOG[ask.table].items():
        column = TABLES[ask.table][name]
        working = derive(case, replace(ask, column=name))
        held = read_form(column, ask.row[name] if ask.row else None)
        derived = stored_form(column, working.value)
        near = same(column, derived, held, working.tolerance) if working.tolerance else False
        if working.checked and not near and not _equal(name, derived, held, working.value):
            where = f"{ask.table}.{name} of {case.name}, {case.day}, {key}"
            yield f"{where}: stored {held!r}, derived {derived!r} {working.reason}"


def _asks(case: Case, name: str) -> Iterator[tuple[Key, Ask]]:
    """Every row that a table can have in a session, with its key in the table's columns."""
    lots = [((lot.id,), {"lot": lot}) for lot in case.every_lot]
    factors = [((case.factors[one],), {"factor": one}) for one in factors_of(case, name)]
    ids = dict(case.inputs.scenarios.select("scenario_id", "id").iter_rows())
    symbols = sorted({lot.symbol for lot in case.every_lot})
    parts: dict[str, Sequence[tuple[Key, dict[str, Any]]]] = {
        "position": lots,
        "factor": factors,
        "scenario": [((ids.get(one.id, one.id),), {"scenario": one.id}) for one in case.scenarios.all],
        "pair": [(pair, {"pair": pair}) for pair in product(symbols, symbols)],
        "job": [((job,), {"job": job}) for job in JOBS],
        "row": _row_keys(case, name),
    }
    if all(derive is never for derive in CATALOG[name].values()):
        return
    for chosen in product(*(parts[part] for part in _parts(name))):
        key = tuple(value for values, _ in chosen for value in values)
        yield key, Ask(name, "", **{field: value for _, fields in chosen for field, value in fields.items()})


def _parts(name: str) -> list[str]:
    """The parts of a table's key; the columns that no part has are one, "row"."""
    own = ROW_KEYS.get(name, ())
    return [*(part for part in NEEDS.get(name, ()) if part not in own), *(["row"] if own else [])]


def _key_columns(name: str) -> list[str]:
    own = list(ROW_KEYS.get(name, ()))
    return [c for part in _parts(name) for c in (own if part == "row" else PARTS[part])]


def _row_keys(case: Case, name: str) -> list[tuple[Key, dict[str, Any]]]:
    """Every combination of the values of a table's further key columns."""
    known = row_values(case, name)
    return [(key, {"row_key": tuple(zip(known, key, strict=True))}) for key in product(*known.values())]


def _equal(name: str, derived: Any, stored: Any, unrounded: Any) -> bool:
    """Return whether two cells are equal: null is only null, NaN only NaN, numbers as they are stored."""
    if undefined(derived) or undefined(stored):
        return undefined(derived) and undefined(stored)
    if derived is None or stored is None:
        return derived is stored
    if name in ("factor_impacts", "calculation_metadata"):
        return _alike(json.loads(derived), json.loads(stored))
    if name == "sector_exposure":
        return json.dumps(json.loads(derived)) == json.dumps(json.loads(stored))  # in the same order
    if name in TIES and derived != stored:
        unrounded = Decimal(str(unrounded))
        return abs(abs(unrounded - stored) - Decimal("0.005")) <= A_TIE * float(abs(unrounded))
    return bool(derived == stored)


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= DOCUMENTS * max(abs(one), abs(other))
    return bool(one == other)
