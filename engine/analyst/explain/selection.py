"""Selection: from what was typed to the one figure of the one row that is meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from engine.analyst.explain.ask import Ask
from engine.analyst.explain.case import Case, Lot
from engine.analyst.explain.catalog import CATALOG
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
"""What a user names to choose a row, by the key column that holds it."""
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
"""What tells the rows of a table apart, beside portfolio and session."""


class UnknownFigureError(UnknownNameError):
    """A figure that no table has."""

    def __init__(self, name: str, known: Iterable[str], where: str = "") -> None:
        super().__init__("figure", name, sorted(set(known)), where)


class AmbiguousFigureError(UsageError, LookupError):
    """A figure that several tables have."""

    def __init__(self, name: str, tables: Sequence[str]) -> None:
        self.name, self.tables = name, tuple(tables)
        super().__init__(f"several tables have a figure {name}", f"Give a table: {', '.join(tables)}")


class IncompleteKeyError(UsageError, LookupError):
    """A figure without what tells its row from the others."""

    def __init__(self, table: str, part: str, known: Iterable[str]) -> None:
        self.table, self.part, self.known = table, part, tuple(known)
        super().__init__(
            f"rows of {table} are told apart by their {part}", f"Give one of {', '.join(self.known)}"
        )


@dataclass(frozen=True)
class Selectors:
    """What was typed beside portfolio, session and figure."""

    position: str | UUID | None = None
    symbol: str | Sequence[str] | None = None
    factor: str | None = None
    scenario: str | None = None
    job: str | None = None
    tag: str | None = None

    @property
    def symbols(self) -> tuple[str, ...]:
        if self.symbol is None:
            return ()
        return (self.symbol,) if isinstance(self.symbol, str) else tuple(self.symbol)

    @property
    def given(self) -> set[str]:
        """What tells rows apart that is there."""
        parts = {
            "position": self.position is not None or len(self.symbols) == 1,
            "pair": len(self.symbols) == 2,
            "factor": self.factor is not None,
            "scenario": self.scenario is not None,
            "job": self.job is not None,
            "tag": self.tag is not None,
        }
        return {name for name, there in parts.items() if there}


def figure_named(name: str, table: str | None, asked: Selectors) -> str:
    """The table that a figure is meant of: the one with rows that are told apart by what was given."""
    if table is not None:
        known = table_named(table).name
        if name not in CATALOG.get(known, {}):
            raise UnknownFigureError(name, CATALOG.get(known, {}), f"table {known}")
        return known
    tables = [known for known, columns in CATALOG.items() if name in columns]
    if not tables:
        raise UnknownFigureError(name, (column for columns in CATALOG.values() for column in columns))
    dated = [known for known in tables if TABLES[known].role == "output"]
    tables = dated or tables  # what is stored by session is meant before the newest state
    fitting = [known for known in tables if set(NEEDS.get(known, ())) == asked.given]
    if len(tables) > 1 and len(fitting) != 1:
        raise AmbiguousFigureError(name, fitting or tables)
    return fitting[0] if fitting else tables[0]


def select(case: Case, table: str, column: str, asked: Selectors) -> Ask:
    """The row that is meant."""
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
        symbols = sorted({lot.symbol for lot in case.lots})
        if len(asked.symbols) != 2:
            raise IncompleteKeyError(table, "two symbols", symbols)
        first, second = (_one(table, "symbol", symbol, symbols) for symbol in asked.symbols)
        ask = Ask(table, column, pair=(first, second))
    return ask


def factors_of(case: Case, table: str) -> list[str]:
    """The factors that a table can have rows of."""
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


def _lot(case: Case, table: str, asked: Selectors) -> Lot:
    wanted = str(asked.position).lower() if asked.position is not None else None
    if wanted is None and len(asked.symbols) == 1:
        lots = [lot for lot in case.lots if lot.symbol == asked.symbols[0]]
        if len(lots) > 1:
            raise AmbiguousNameError("position", asked.symbols[0], [lot.id for lot in lots])
    else:
        lots = [lot for lot in case.lots if lot.id == wanted]
    symbols = sorted({lot.symbol for lot in case.lots})
    if wanted is None and not asked.symbols:
        raise IncompleteKeyError(table, "position: --position or --symbol", symbols)
    if not lots:
        raise UnknownNameError("position", wanted or asked.symbols[0], symbols, f"portfolio {case.name}")
    return lots[0]
