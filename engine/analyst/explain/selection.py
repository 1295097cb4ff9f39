"""Selection of the figure and row from the names that the user gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from engine.analyst.explain import attributed
from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case, PositionLot
from engine.analyst.explain.catalog import CATALOG
from engine.analyst.explain.horizons import HORIZONS
from engine.analyst.explain.jobs import documented
from engine.analyst.explain.return_series import volatility_symbol
from engine.analyst.explain.sector_values import sectors_of
from engine.analytics.concentration.session_sectors import TABLE as SECTORS
from engine.analytics.equity.returns import TABLE as RETURNS
from engine.analytics.factors.attribution import FACTORS
from engine.analytics.factors.attribution import TABLE as ATTRIBUTION
from engine.analytics.forecasts.forecast_scores import PORTFOLIO, POSITIONS
from engine.analytics.forecasts.forecast_scores import TABLE as SCORES
from engine.analytics.forecasts.forecast_scores import TESTS as SCORE_TESTS
from engine.analytics.forecasts.value_at_risk import METHODS
from engine.analytics.forecasts.value_at_risk import TABLE as RISK
from engine.analytics.forecasts.value_at_risk import TESTS as RISK_TESTS
from engine.analytics.risk.risk import BY_FACTOR, SPECIFIC
from engine.core.errors import UsageError
from engine.core.funds import SPREAD_FUNDS, STYLE_FUNDS
from engine.core.job_catalog import JOBS, OWN_FORECAST
from engine.core.names import AmbiguousNameError, UnknownNameError, table_named
from engine.core.schema import TABLES
from engine.numerics.tails import LEVELS

SUBJECTS = (PORTFOLIO, POSITIONS)
PARTS = {
    "position_id": "position",
    "factor_id": "factor",
    "symbol_1": "pair",
    "scenario_id": "scenario",
}
"""User names of key columns: {key column: selector}."""
ROW_KEYS = {
    table.name: tuple(c for c in table.key if c not in PARTS and c not in (table.owner, table.date))
    for table in TABLES.values()
    if table.jobs and not table.legacy
} | {"correlation_clusters": ("cluster_number",)}
"""Further columns of a table's key: the selector `row` has their values."""
NEEDS = {
    **{
        table.name: (
            *(PARTS[column] for column in table.key if column in PARTS),
            *ROW_KEYS.get(table.name, ()),
        )
        for table in TABLES.values()
        if table.jobs
    },
    "analytics_status": ("job",),
    "positions": ("position",),
    "tags_v2": ("tag",),
}
"""Selectors that identify a row of a table, in addition to portfolio and session."""


class UnknownFigureError(UnknownNameError):
    """No table has a figure of this name."""

    def __init__(self, name: str, known: Iterable[str], where: str = "") -> None:
        super().__init__("figure", name, sorted(set(known)), where)


class AmbiguousFigureError(UsageError, LookupError):
    """Several tables have a figure of this name."""

    def __init__(self, name: str, tables: Sequence[str]) -> None:
        self.name, self.tables = name, tuple(tables)
        super().__init__(f"several tables have a figure {name}", f"Give a table: {', '.join(tables)}")


class IncompleteKeyError(UsageError, LookupError):
    """A selector that identifies the row is missing."""

    def __init__(self, table: str, part: str, known: Iterable[str]) -> None:
        self.table, self.part, self.known = table, part, tuple(known)
        super().__init__(f"a row of {table} needs its {part}", f"Give one of {', '.join(self.known)}")


@dataclass(frozen=True)
class Selectors:
    """Selectors of a row, in addition to portfolio and session; see `explain`."""

    position: str | UUID | None = None
    symbol: str | Sequence[str] | None = None
    factor: str | None = None
    scenario: str | None = None
    job: str | None = None
    tag: str | None = None
    row: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols that are given: none, one, or the two of a pair."""
        if self.symbol is None:
            return ()
        return (self.symbol,) if isinstance(self.symbol, str) else tuple(self.symbol)

    @property
    def given(self) -> set[str]:
        """Names of the selectors that are given."""
        parts = {
            "position": self.position is not None or len(self.symbols) == 1,
            "pair": len(self.symbols) == 2,
            "factor": self.factor is not None,
            "scenario": self.scenario is not None,
            "job": self.job is not None,
            "tag": self.tag is not None,
        }
        return {name for name, present in parts.items() if present} | set(self.row)


def figure_named(name: str, table: str | None, asked: Selectors) -> str:
    """Return the table of a figure: the only one whose rows the given selectors identify.

    Args:
        name: Column name.
        table: Table name, None to choose by the selectors.
        asked: Selectors given by the user.

    Returns:
        Table name.

    Raises:
        UnknownFigureError: The table, or every table, lacks the figure.
        AmbiguousFigureError: Several tables have the figure.
    """
    if table is not None:
        chosen = table_named(table).name
        if name not in CATALOG.get(chosen, {}):
            raise UnknownFigureError(name, CATALOG.get(chosen, {}), f"table {chosen}")
        return chosen
    tables = [each for each, columns in CATALOG.items() if name in columns]
    if not tables:
        raise UnknownFigureError(name, (column for columns in CATALOG.values() for column in columns))
    dated = [each for each in tables if TABLES[each].role == "output" or "job" in NEEDS.get(each, ())]
    tables = dated or tables  # prefer rows by session to tables of the newest state
    derived = [each for each in tables if CATALOG[each][name] is not documented]
    tables = derived or tables  # prefer figures that are derived to those that name their page
    fitting = [each for each in tables if set(NEEDS.get(each, ())) == asked.given]
    if len(tables) > 1 and len(fitting) != 1:
        raise AmbiguousFigureError(name, fitting or tables)
    return fitting[0] if fitting else tables[0]


def select(case: Case, table: str, column: str, asked: Selectors) -> Ask:
    """Return the figure's row by the selectors.

    Args:
        case: Portfolio and session.
        table: Table name.
        column: Column name.
        asked: Selectors given by the user.

    Returns:
        The figure with the key of its row; the stored row itself is not looked up.

    Raises:
        IncompleteKeyError: A selector of the table is missing. One that matches nothing raises an
            `UnknownNameError` with the nearest name.
    """
    needs = NEEDS.get(table, ())
    ask = Ask(table, column)
    if "position" in needs:
        ask = Ask(table, column, lot=_lot(case, table, asked))
    if "factor" in needs:
        ask = Ask(
            table, column, lot=ask.lot, factor=_one(table, "factor", asked.factor, factors_of(case, table))
        )
    if "scenario" in needs:
        names = {one.id: one.name for one in case.scenarios.all}
        by_name = {name: number for number, name in names.items()}
        wanted = by_name.get(asked.scenario or "", asked.scenario)
        ask = Ask(table, column, scenario=_one(table, "scenario", wanted, names))
    if "job" in needs:
        ask = Ask(table, column, job=_one(table, "job", asked.job, JOBS))
    if "tag" in needs:
        ask = Ask(table, column, tag=_one(table, "tag", asked.tag, case.rows("tags_v2")["name"]))
    if "pair" in needs:
        symbols = sorted({lot.symbol for lot in case.every_lot})
        if len(asked.symbols) != 2:
            raise IncompleteKeyError(table, "two symbols", symbols)
        first, second = (_one(table, "symbol", symbol, symbols) for symbol in asked.symbols)
        ask = Ask(table, column, pair=(first, second))
    return replace(ask, row_key=_row_key(case, table, asked.row))


def row_values(case: Case, table: str) -> dict[str, list[str | int]]:
    """Return the values that each further column of a table's key can have.

    Args:
        case: Its lots, for a table by symbol, and its stored rows.
        table: With a job.
    """
    stored = case.rows(table)
    values = {column: stored[column].unique().sort().to_list() for column in ROW_KEYS.get(table, ())}
    return {column: list(_known_values(case).get((table, column), values[column])) for column in values}


def _known_values(case: Case) -> dict[tuple[str, str], Iterable[str | int]]:
    """Return the values of key columns of tables that are derived, stored or not."""
    symbols = sorted({volatility_symbol(lot) for lot in case.every_lot})
    levels = [round(100 * level) for level in LEVELS]
    kinds: dict[str, Iterable[str | int]] = {"method": METHODS, "level": levels}
    return {
        **{(name, column): kinds[column] for name in (RISK, RISK_TESTS) for column in kinds},
        (SCORES, "symbol"): [OWN_FORECAST, *symbols],
        (SCORE_TESTS, "subject"): SUBJECTS,
        (ATTRIBUTION, "component"): attributed.PARTS,
        (BY_FACTOR, "factor"): (*FACTORS, SPECIFIC),
        (SECTORS, "sector"): sectors_of(case),
        (RETURNS, "horizon"): HORIZONS,
    }


def _row_key(case: Case, table: str, given: Mapping[str, str | int]) -> tuple[tuple[str, str | int], ...]:
    """Return the values of further key columns, each in the type of its column."""
    known = row_values(case, table)
    unknown = [name for name in given if name not in known]
    if unknown:
        raise UnknownNameError("key column", unknown[0], known, f"table {table}")
    chosen: list[tuple[str, str | int]] = []
    for column, values in known.items():
        by_text = {f"{value}": value for value in values}
        wanted = f"{given[column]}" if column in given else None
        chosen.append((column, by_text[_one(table, f"{column}: row", wanted, by_text)]))
    return tuple(chosen)


def factors_of(case: Case, table: str) -> list[str]:
    """Return the factors that a table can have rows of.

    Args:
        case: The active factor definitions.
        table: With a row for each factor.
    """
    return [
        name
        for name in case.factors
        if table != "position_factor_exposures" or name in (*SPREAD_FUNDS, *STYLE_FUNDS)
    ]


def _one(table: str, part: str, wanted: str | None, known: Iterable[str]) -> str:
    names = list(known)
    if wanted is None:
        raise IncompleteKeyError(table, part, names)
    if wanted not in names:
        raise UnknownNameError(part, wanted, names)
    return wanted


def _lot(case: Case, table: str, asked: Selectors) -> PositionLot:
    wanted = str(asked.position).lower() if asked.position is not None else None
    if wanted is None and len(asked.symbols) == 1:
        lots = [lot for lot in case.every_lot if lot.symbol == asked.symbols[0]]
        if len(lots) > 1:
            raise AmbiguousNameError("position", asked.symbols[0], [lot.id for lot in lots])
    else:
        lots = [lot for lot in case.every_lot if lot.id == wanted]
    symbols = sorted({lot.symbol for lot in case.every_lot})
    if wanted is None and not asked.symbols:
        raise IncompleteKeyError(table, "position: --position or --symbol", symbols)
    if not lots:
        raise UnknownNameError("position", wanted or asked.symbols[0], symbols, f"portfolio {case.name}")
    return lots[0]
