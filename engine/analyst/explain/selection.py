"""Selection of the figure and row from the names that the user gives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case, PositionLot
from engine.analyst.explain.catalog import CATALOG
from engine.analyst.explain.jobs import documented
from engine.core.errors import UsageError
from engine.core.funds import SPREAD_FUNDS, STYLE_FUNDS
from engine.core.job_catalog import JOBS
from engine.core.names import AmbiguousNameError, UnknownNameError, table_named
from engine.core.schema import TABLES

PARTS = {
    "position_id": "position",
    "factor_id": "factor",
    "symbol_1": "pair",
    "scenario_id": "scenario",
}
"""User names of key columns: {key column: selector}."""
NEEDS = {
    **{
        table.name: tuple(PARTS[column] for column in table.key if column in PARTS)
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
        return {name for name, present in parts.items() if present}


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
    return ask


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
