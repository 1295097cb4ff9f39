"""Look-ups by name; an unknown name raises an error that names the nearest known one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import polars as pl

from engine.core.errors import UsageError, nearest
from engine.core.schema import TABLES, Table


class UnknownNameError(UsageError, LookupError):
    """A name that does not exist."""

    def __init__(self, what: str, name: str, known: Iterable[str], where: str = "") -> None:
        self.what, self.name, self.known = what, name, tuple(known)
        place = f"{where} has no {what}" if where else f"there is no {what}"
        super().__init__(f"{place} {name}{nearest(name, self.known)}")


class UnknownTableError(UnknownNameError):
    """A table that the schema does not have."""

    def __init__(self, name: str) -> None:
        super().__init__("table", name, TABLES)


class UnknownColumnError(UnknownNameError):
    """A column that its table does not have."""

    def __init__(self, table: Table, name: str) -> None:
        super().__init__("column", name, table.names, f"table {table.name}")


class UnknownPortfolioError(UnknownNameError):
    """A portfolio that the store does not have."""

    def __init__(self, where: str, name: str, known: Iterable[str]) -> None:
        super().__init__("portfolio", name, known, where)


class AmbiguousNameError(UsageError, LookupError):
    """A name of several rows."""

    def __init__(self, what: str, name: str, ids: Sequence[str]) -> None:
        self.what, self.name, self.ids = what, name, tuple(ids)
        super().__init__(f"{len(ids)} {what}s are called {name}", f"Give an id: {', '.join(ids)}")


def table_named(name: str) -> Table:
    """Return the table of a name.

    Args:
        name: as the user wrote it; upper and lower case differ.

    Raises:
        UnknownTableError: the schema has no such table.
    """
    if name not in TABLES:
        raise UnknownTableError(name)
    return TABLES[name]


def check_columns(table: Table, columns: Iterable[str]) -> None:
    """Check that a table has the named columns.

    Args:
        table: of the schema.
        columns: names, as the user wrote them.

    Raises:
        UnknownColumnError: the table lacks one of them.
    """
    for name in columns:
        if name not in table.by_name:
            raise UnknownColumnError(table, name)


def portfolio_label(key: str, names: Mapping[str, str | None]) -> str:
    """Return a portfolio as a line of text names it: its name, then its id.

    Args:
        key: its id.
        names: of portfolios, by id; a portfolio without a name has its id alone.
    """
    name = printable(names.get(key) or "")
    return f"{name} ({key})" if name else key


def printable(name: str) -> str:
    """Return a name for a line of a terminal; signs that would break it are question marks.

    Args:
        name: from a store.
    """
    return "".join(sign if sign.isprintable() else "?" for sign in name)


def distinct_labels(names: Mapping[str, str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Return how a chart or a table calls portfolios, by id: by name, and by id too where that is not unique.

    Args:
        names: of the portfolios, by id.
        taken: names of others beside them, such as the market's fund.
    """
    several = Counter([*names.values(), *taken])
    return {key: f"{name} ({key[:8]})" if several[name] > 1 else name for key, name in names.items()}


def portfolio_id(portfolios: pl.DataFrame, wanted: str | UUID, where: str) -> str:
    """Return the id of the portfolio that is named by its id or by a name that is unique.

    Args:
        portfolios: id, name; deleted portfolios too.
        wanted: an id or a name.
        where: the store or frame that has them, for errors.

    Returns:
        The id, as in `portfolios`.

    Raises:
        UnknownPortfolioError: if there is no such portfolio.
        AmbiguousNameError: if several have the name.
    """
    name = str(wanted)
    if name.lower() in portfolios["id"]:
        return name.lower()
    ids = portfolios.filter(pl.col("name") == name)["id"].to_list()
    if not ids:
        raise UnknownPortfolioError(where, name, [*portfolios["name"].drop_nulls(), *portfolios["id"]])
    if len(ids) > 1:
        raise AmbiguousNameError("portfolio", name, ids)
    only: str = ids[0]
    return only
