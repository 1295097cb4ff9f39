"""Every error a user can meet. Each carries its data and builds its own message.

One base class, so that `except EngineError` catches them all; each is also the builtin that a
caller would expect. No message ever holds a password: stores are named by `safe_url`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from engine.core.store_url import PAIR, StoreURL, safe_url

IN_TEXT = re.compile(r"(\w+:/+[^:?#@\s]*):\S*@")
"""The same amid a sentence: the last net under a message that forgot to mask a URL."""
LONGEST_REASON = 400


def masked(text: str) -> str:
    """A sentence without the secrets of the URLs and connection strings in it."""
    return PAIR.sub(r"\1***", IN_TEXT.sub(r"\1:***@", text))


def scrubbed(reason: str, url: str | StoreURL) -> str:
    """What a driver says went wrong: one line, without the statement, the URL or a secret of it."""
    told = " ".join(re.split(r"\s*LINE \d+:", reason)[0].split())
    store = StoreURL.parse(url)
    told = told.replace(store.text, str(store))
    for secret in store.secrets:
        told = told.replace(secret, "***")
    return told if len(told) <= LONGEST_REASON else f"{told[:LONGEST_REASON]}..."


def either(names: Sequence[str]) -> str:
    """Return `a, b or c`."""
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def nearest(name: str, known: Iterable[str]) -> str:
    """` (nearest: ...)` when something known looks like `name`, else nothing."""
    found = get_close_matches(name, list(known), n=1)
    return f" (nearest: {found[0]})" if found else ""


def told(error: BaseException) -> str:
    """An error in one line; of one that no type was made for, its kind and where it arose."""
    if isinstance(error, EngineError):
        return str(error)
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    return scrubbed(masked(f"{type(error).__name__}{place}: {error}"), "")


class EngineError(Exception):
    """Something the user can act on."""

    hint = ""

    def __init__(self, message: str, hint: str = "") -> None:
        self.hint = hint or self.hint
        told = masked(message)
        super().__init__(f"{told}. {self.hint}" if self.hint else told)

    def __reduce__(self) -> tuple[object, ...]:
        """An error that another process met is the same here: by its message and data, not made anew."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[EngineError], args: tuple[object, ...], data: dict[str, object]) -> EngineError:
    layout: type[BaseException] = kind
    while "__new__" not in vars(layout):
        assert layout.__base__ is not None, "Exception has one"
        layout = layout.__base__  # up to the builtin that the object is laid out as
    error: EngineError = layout.__new__(kind)
    error.args = args
    error.__dict__.update(data)
    return error


class UsageError(EngineError, ValueError):
    """A command or a call that cannot be carried out as given."""


class UnknownStoreError(UsageError):
    """A URL of no known store."""

    def __init__(self, url: str | StoreURL, examples: Sequence[str]) -> None:
        self.url = safe_url(url)
        super().__init__(f"'{self.url}' names no store", f"Use {either(examples)}")


class StoreUnreachableError(EngineError, ConnectionError):
    """A store that is not there, refuses the login, or is held by another process."""

    def __init__(self, url: str | StoreURL, reason: str) -> None:
        self.url, self.reason = safe_url(url), scrubbed(reason, url)
        super().__init__(f"store {self.url} cannot be opened: {self.reason}")


class BusyFileError(StoreUnreachableError, BlockingIOError):
    """A database file that another process has open: DuckDB lets no others in while one writes."""

    hint = "Close it there, or try again later"

    def __init__(self, url: str | StoreURL, process: str) -> None:
        holder = f"process {process}" if process else "another process"
        super().__init__(url, f"{holder} has the file open")


class ReadError(EngineError, OSError):
    """A store that was opened, and then failed to give its rows."""

    def __init__(self, url: str | StoreURL, reason: str) -> None:
        self.url, self.reason = safe_url(url), scrubbed(reason, url)
        super().__init__(f"store {self.url} cannot be read: {self.reason}")


class LostReadError(ReadError, ConnectionError):
    """A store that went away while it was read: it may be back soon."""


class MissingTableError(EngineError, LookupError):
    """A store without a table that the command needs."""

    def __init__(self, url: str | StoreURL, table: str) -> None:
        self.url, self.table = safe_url(url), table
        super().__init__(
            f"store {self.url} has no table {table}",
            "`python -m engine schema --create URL` makes the tables that are missing",
        )


class MissingColumnError(EngineError, LookupError):
    """A table without a column that the schema has."""

    def __init__(self, url: str | StoreURL, table: str, column: str, present: Iterable[str]) -> None:
        self.url, self.table, self.column = safe_url(url), table, column
        super().__init__(f"store {self.url}, table {table} has no column {column}{nearest(column, present)}")


class NoPricesError(EngineError, LookupError):
    """A store without a single close in the window: computing would wipe what is stored."""

    def __init__(self, url: str | StoreURL, start: str, end: str) -> None:
        self.url = safe_url(url)
        super().__init__(
            f"store {self.url}, table market_data_cache has no close from {start} to {end}",
            "Read from the store that holds the prices: --from URL",
        )


class ColumnTypeError(EngineError, TypeError):
    """A column whose values are of another kind than the schema's."""

    def __init__(self, url: str | StoreURL, table: str, column: str, found: str, expected: str) -> None:
        self.url, self.table, self.column = safe_url(url), table, column
        super().__init__(
            f"store {self.url}, table {table}, column {column}: found {found}, expected {expected}"
        )


class ResultError(EngineError, OverflowError):
    """A computed figure that its column cannot hold."""

    def __init__(self, table: str, column: str, key: str, value: str, rule: str) -> None:
        self.table, self.column, self.key, self.value, self.rule = table, column, key, value, rule
        super().__init__(f"table {table}, column {column}, row {key}: {value} {rule}")


class CalendarError(EngineError, ValueError):
    """A date outside the sessions that the engine knows."""

    def __init__(self, day: str, first: str, last: str) -> None:
        super().__init__(f"date {day} lies outside the known sessions, {first} to {last}")


class WriteError(EngineError, OSError):
    """A store that refused rows; nothing of the transaction is visible."""

    def __init__(self, url: str | StoreURL, table: str, reason: str) -> None:
        self.url, self.table, self.reason = safe_url(url), table, scrubbed(reason, url)
        where = f"store {self.url}, table {table}" if table else f"store {self.url}"
        super().__init__(f"{where}: {self.reason}; nothing was written")


class LostConnectionError(WriteError, ConnectionError):
    """A store that went away in the middle of a transaction: it may be back soon."""


class IncompleteError(EngineError, ArithmeticError):
    """A shard with fewer snapshots than sessions and portfolios, and no status that explains it."""

    def __init__(self, found: int, expected: int, left_out: int) -> None:
        self.found, self.expected, self.left_out = found, expected, left_out
        super().__init__(
            f"{found} snapshots were computed where {expected} are due, and {left_out} portfolios "
            "left out do not explain it; nothing of the shard was written"
        )
