"""Errors that users meet. Each carries its data and builds its own message.

All have one base class, so that `except EngineError` catches them; each is also the builtin
exception that a caller would expect. No message holds a password: stores are named by `safe_url`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from engine.core.secrets import masked
from engine.core.store_url import StoreURL, safe_url

LONGEST_LIST = 5
"""Items of a list that a message names."""
LONGEST_REASON = 400
"""Characters of a driver's message that are shown."""


def scrubbed(reason: str, url: str | StoreURL) -> str:
    """Return a driver's message in one line, without its statement and the secrets of the URL.

    Args:
        reason: the driver's message, of any number of lines.
        url: the store whose secrets it may hold.

    Returns:
        At most LONGEST_REASON characters, and an ellipsis where the message is longer.
    """
    line = " ".join(re.split(r"LINE \d+:", reason, maxsplit=1)[0].split())
    store = StoreURL.parse(url)
    line = line.replace(store.text, str(store))
    for secret in store.secrets:
        line = line.replace(secret, "***")
    return line if len(line) <= LONGEST_REASON else f"{line[:LONGEST_REASON]}..."


def either(names: Sequence[str]) -> str:
    """Return `a, b or c`."""
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


FORM = str.maketrans("", "", "_- ")
"""Characters that are left out where names are compared without regard to their form."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ` (nearest: ...)` with the known name that looks like `name`; an empty text if none does.

    Names that differ in case and underscores only are the nearest.

    Args:
        name: as the user wrote it.
        known: names that would have been right.
    """
    names = list(known)
    matches = same_but_for_form(name, names) or get_close_matches(name, names, n=1)
    return f" (nearest: {matches[0]})" if matches else ""


def same_but_for_form(name: str, known: Iterable[str]) -> list[str]:
    """Return the names that differ from a name only in case, underscores, hyphens and blanks.

    Args:
        name: Any name.
        known: Names to choose from; one that equals `name` is left out.
    """
    return [other for other in known if other != name and _letters(other) == _letters(name)]


def _letters(name: str) -> str:
    return name.translate(FORM).casefold()


def error_line(error: BaseException) -> str:
    """Return an error in one line; if it is no `EngineError`, with its type and where it was raised."""
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
        text = masked(message)
        super().__init__(f"{text}. {self.hint}" if self.hint else text)

    def __reduce__(self) -> tuple[object, ...]:
        """Return how to restore the error in another process: from its message and data."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[EngineError], args: tuple[object, ...], data: dict[str, object]) -> EngineError:
    # `__new__` must be that of the builtin that lays out the object: OSError's takes other arguments.
    layout: type[BaseException] = kind
    while "__new__" not in vars(layout):
        assert layout.__base__ is not None, "Exception has one"
        layout = layout.__base__
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
    """A store that does not exist, refuses the login, or is locked by another process."""

    def __init__(self, url: str | StoreURL, reason: str) -> None:
        self.url, self.reason = safe_url(url), scrubbed(reason, url)
        super().__init__(f"store {self.url} cannot be opened: {self.reason}")


class ServerAwayError(StoreUnreachableError):
    """A server that is starting, stopping or out of connections; a retry may succeed."""


class BusyFileError(StoreUnreachableError, BlockingIOError):
    """A DuckDB file that another process has open; a writer locks all others out."""

    hint = "Close it there, or try again later"

    def __init__(self, url: str | StoreURL, process: str) -> None:
        holder = f"process {process}" if process else "another process"
        super().__init__(url, f"{holder} has the file open")


class ReadError(EngineError, OSError):
    """An open store whose rows cannot be read."""

    def __init__(self, url: str | StoreURL, reason: str) -> None:
        self.url, self.reason = safe_url(url), scrubbed(reason, url)
        super().__init__(f"store {self.url} cannot be read: {self.reason}")


class LostReadError(ReadError, ConnectionError):
    """A store whose connection was lost during a read; a retry may succeed."""


class HiddenRowsError(EngineError, PermissionError):
    """A table whose row-level security hides rows from the role; figures without them would be wrong."""

    def __init__(self, url: str | StoreURL, table: str) -> None:
        self.url, self.table = safe_url(url), table
        super().__init__(
            f"store {self.url}, table {table}: row-level security hides rows from the role",
            "Give the role BYPASSRLS, or log in as one that sees all rows",
        )


INPUT_HINT = "The engine makes no inputs. Read from the store that holds them: --from URL"
"""Advice where a table of inputs is missing: an empty one would be computed from without a word."""


class MissingTableError(EngineError, LookupError):
    """A store without a table that the command needs."""

    def __init__(
        self, url: str | StoreURL, table: str, other_forms: Sequence[str] = (), may_make: bool = False
    ) -> None:
        self.url, self.table, self.other_forms = safe_url(url), table, tuple(other_forms)
        self.gap = f"table {table}{_looks_alike(other_forms)}"
        super().__init__(
            f"store {self.url} has no {self.gap}",
            "`engine schema --create URL` makes the tables that are missing" if may_make else INPUT_HINT,
        )


class MissingColumnError(EngineError, LookupError):
    """A table without a column that the schema has."""

    def __init__(
        self, url: str | StoreURL, table: str, column: str, present: Iterable[str], hint: str = ""
    ) -> None:
        self.url, self.table, self.column = safe_url(url), table, column
        near = nearest(column, present)
        self.gap = f"column {table}.{column}{near}"
        super().__init__(f"store {self.url}, table {table} has no column {column}{near}", hint)


class StructureError(MissingTableError, MissingColumnError):
    """A store that lacks several of the tables and columns that the command needs."""

    def __init__(self, url: str | StoreURL, gaps: Sequence[MissingTableError | MissingColumnError]) -> None:
        self.url, self.gaps = safe_url(url), tuple(gaps)
        listed = "; ".join(gap.gap for gap in gaps)
        hints = ". ".join(dict.fromkeys(gap.hint for gap in gaps if gap.hint))
        text = f"store {self.url} lacks {listed}. What is optional is not listed"
        EngineError.__init__(self, text, hints)


def refuse_gaps(url: str | StoreURL, gaps: Sequence[MissingTableError | MissingColumnError]) -> None:
    """Raise one error for all that a store lacks, if it lacks anything.

    Args:
        url: The store.
        gaps: An error for each table and column.

    Raises:
        StructureError: There are several. A single one is raised as it is.
    """
    if len(gaps) > 1:
        raise StructureError(url, gaps)
    for gap in gaps:
        raise gap


def _looks_alike(forms: Sequence[str]) -> str:
    return f" ({either(forms)} is there, which is not read as this table)" if forms else ""


class NoPricesError(EngineError, LookupError):
    """A store without a close in the window; a run would replace stored figures by none."""

    def __init__(self, url: str | StoreURL, start: str, end: str) -> None:
        self.url = safe_url(url)
        super().__init__(
            f"store {self.url}, table market_data_cache has no close from {start} to {end}",
            "Read from the store that holds the prices: --from URL",
        )


class ColumnTypeError(EngineError, TypeError):
    """A column whose type is not that of the schema."""

    def __init__(self, url: str | StoreURL, table: str, column: str, found: str, expected: str) -> None:
        self.url, self.table, self.column = safe_url(url), table, column
        super().__init__(
            f"store {self.url}, table {table}, column {column}: found {found}, expected {expected}"
        )


class NoIdError(EngineError, ValueError):
    """A portfolio whose id is no UUID; ids name shards, locks, files and pages."""

    def __init__(self, url: str | StoreURL, table: str, column: str, value: str) -> None:
        self.url, self.table, self.column, self.value = safe_url(url), table, column, value
        super().__init__(
            f"store {self.url}, table {table}, column {column}: {value[:60]!r} is no UUID",
            "Correct the id in the store",
        )


class SpellingError(EngineError, LookupError):
    """Symbols that have prices only under another spelling, so that they would match nothing."""

    def __init__(self, url: str | StoreURL, pairs: Sequence[tuple[str, str]]) -> None:
        self.url, self.pairs = safe_url(url), tuple(pairs)
        listed = ", ".join(f"{stored!r} for {held!r}" for held, stored in pairs[:LONGEST_LIST])
        more = f" and {len(pairs) - LONGEST_LIST} more" if len(pairs) > LONGEST_LIST else ""
        super().__init__(
            f"store {self.url}, table market_data_cache has symbols that match only without regard to case "
            f"and blanks: {listed}{more}",
            "Spell them as the positions do, in capitals and without blanks",
        )


class CalendarError(EngineError, ValueError):
    """A date outside the calendar of sessions."""

    def __init__(self, day: str, first: str, last: str) -> None:
        super().__init__(f"date {day} lies outside the calendar of sessions, {first} to {last}")


class WriteError(EngineError, OSError):
    """A store that refused rows; the transaction was rolled back."""

    def __init__(self, url: str | StoreURL, table: str, reason: str) -> None:
        self.url, self.table, self.reason = safe_url(url), table, scrubbed(reason, url)
        where = f"store {self.url}, table {table}" if table else f"store {self.url}"
        super().__init__(f"{where}: {self.reason}; nothing was written")


class UnfinishedCommitError(EngineError, OSError):
    """A Parquet store whose commit is valid, but whose files could not all be put in their places."""

    def __init__(self, url: str | StoreURL, reason: str) -> None:
        self.url, self.reason = safe_url(url), scrubbed(reason, url)
        super().__init__(
            f"store {self.url}: the rows are written, but not all files are in their places: {self.reason}",
            "Commands of the engine read the new rows, other programs may see old ones. Remove the cause; "
            "the next command that opens the store finishes the commit",
        )


class LostConnectionError(WriteError, ConnectionError):
    """A store whose connection was lost during a transaction; a retry may succeed."""


class ConflictError(WriteError):
    """A transaction that the server ended in favour of another one; a retry may succeed."""


class ReadOnlyError(WriteError):
    """A standby server, or a role or database whose transactions are read-only."""

    def __init__(self, url: str | StoreURL) -> None:
        super().__init__(url, "", "it is read-only: a standby server, or default_transaction_read_only is on")


class IncompleteError(EngineError, ArithmeticError):
    """A shard with fewer snapshots than sessions times portfolios, for no stated reason."""

    def __init__(self, found: int, expected: int, left_out: int) -> None:
        self.found, self.expected, self.left_out = found, expected, left_out
        super().__init__(
            f"{found} snapshots were computed instead of {expected}, which {left_out} portfolios left out "
            "do not explain; nothing of the shard was written"
        )
