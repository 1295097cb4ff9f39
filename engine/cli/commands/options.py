"""Options and output that several commands share."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

from engine.cli.printing import show_done
from engine.core.files import write_text

if TYPE_CHECKING:
    from engine.cli.settings import Config
    from engine.core.rules import Rules

OWN_RULES = "store"
SIZE = re.compile(r"(\d+)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)


def store(command: argparse.ArgumentParser) -> None:
    """Add the options of a command that reads one store and prints."""
    command.add_argument("url", metavar="URL", nargs="?", help="store to read")
    command.add_argument("--json", action="store_true", help="print JSON")


def output(command: argparse.ArgumentParser) -> None:
    """Add the options of a command that runs and then reports."""
    command.add_argument("--json", action="store_true", help="print the result as JSON on stdout")
    command.add_argument("--quiet", action="store_true", help="no progress on stderr")
    command.add_argument(
        "--log-format", choices=("text", "json"), default="text", help="form of log lines on stderr [text]"
    )


def strict(command: argparse.ArgumentParser) -> None:
    """Add the options of a command that computes and is watched by others."""
    command.add_argument(
        "--strict",
        action="store_true",
        help="exit 1 also where a figure is partial or failed, a lot has no close, or a row is inconsistent",
    )
    command.add_argument("--metrics", metavar="FILE", help="write counters for Prometheus into a text file")


def rules(command: argparse.ArgumentParser) -> None:
    """Add the option of a command that computes."""
    command.add_argument(
        "--rules",
        type=rules_named,
        metavar="RULES",
        help="store, legacy or corrected, or single rules: legacy,rate_weights=signed [store: its own]",
    )


def gate(command: argparse.ArgumentParser) -> None:
    """Add the options of a command that computes missing sessions."""
    command.add_argument(
        "--threshold",
        type=percent,
        default=95.0,
        metavar="PERCENT",
        help="share of a portfolio's value that closes must cover [95]",
    )
    command.add_argument(
        "--allow-stale",
        action="store_true",
        help="compute sessions with too few closes, or none, all the same",
    )


def rules_named(text: str) -> str:
    """Check the text of `--rules`: `store`, or what `Rules.parse` takes."""
    from engine.core.errors import UsageError
    from engine.core.rules import Rules

    try:
        return text if text == OWN_RULES else str(Rules.parse(text))
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def rules_of(options: argparse.Namespace, settings: Config) -> Rules | None:
    """Return the rules that `--rules`, or else the configuration, names; None for the store's own.

    Args:
        options: with `rules`; None where the option was left out.
        settings: the configuration's rules.

    Raises:
        UsageError: the configuration names a set, rule or value that does not exist.
    """
    from engine.core.rules import Rules

    text = settings.rules if options.rules is None else options.rules
    return None if text == OWN_RULES else Rules.parse(text)


def portfolio_ids(url: str, portfolios: Sequence[str] | None) -> list[UUID] | None:
    """Return the ids of portfolios of a store.

    An id or name that the store lacks, or a name of several portfolios, raises a UsageError.

    Args:
        url: the store.
        portfolios: ids or names; None stays None, for all portfolios.
    """
    if portfolios is None:
        return None
    from engine.analyst.store import open as open_store

    rows = open_store(url).read("portfolios", portfolios, columns=["id"])
    return [UUID(key) for key in rows["id"]]


def size(text: str) -> int:
    """Parse bytes: a number, optionally with K, M, G or T, in steps of 1,024."""
    match = SIZE.fullmatch(text.strip())
    if not match or int(match[1]) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no size like 4GiB")
    return int(match[1]) << 10 * " KMGT".index(match[2].upper() or " ")


def day(text: str) -> date:
    """Parse a date in ISO 8601."""
    try:
        return _within_the_years(date.fromisoformat(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no date like 2025-12-31") from None


def moment(text: str) -> datetime:
    """Parse a time in ISO 8601; without a zone it is New York time."""
    try:
        time = datetime.fromisoformat(text)
        _within_the_years(time.date())
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no time like 2025-12-31T18:00") from None
    return time if time.tzinfo else time.replace(tzinfo=ZoneInfo("America/New_York"))


def _within_the_years(value: date) -> date:
    """Return a date that rows of a store may have; a look-back from it stays within the calendar.

    Raises:
        ArgumentTypeError: It lies outside.
    """
    from engine.core.schema.kinds import FIRST_DAY, LAST_DAY

    if not FIRST_DAY <= value <= LAST_DAY:
        raise argparse.ArgumentTypeError(f"{value} lies outside {FIRST_DAY} to {LAST_DAY}")
    return value


def names(text: str) -> list[str]:
    """Parse names separated by commas; at least one."""
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise argparse.ArgumentTypeError(f"'{text}' names nothing")
    return found


def positive(text: str) -> int:
    """Parse a whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no positive whole number")
    return int(text)


def percent(text: str) -> float:
    """Parse a percentage from 0 to 100."""
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 100:
        raise argparse.ArgumentTypeError(f"'{text}' is no share from 0 to 100")
    return share


def write_file(path: str, text: str) -> None:
    """Write a file that the command line names.

    Args:
        path: of the file; an existing one is replaced.
        text: written in UTF-8.

    Raises:
        EngineError: the file cannot be written.
    """
    try:
        write_text(path, text)
    except OSError as error:
        from engine.core.errors import EngineError

        raise EngineError(f"{path} cannot be written: {error.strerror}") from error


def print_rows(rows: dict[str, int], as_json: bool) -> None:
    """Print the number of rows of each table on stdout.

    Args:
        rows: number of rows by table.
        as_json: as one JSON object, else as aligned text.
    """
    if as_json:
        show_done(json.dumps(rows, indent=1))
    else:
        show_done("\n".join(f"{name:<32}{count:>12,}" for name, count in rows.items()))
