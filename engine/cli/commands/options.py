"""What the commands' options and outputs have in common."""

from __future__ import annotations

import argparse
import json
import re
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from engine.core.rules import Rules

SIZE = re.compile(r"(\d+)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)


def size(text: str) -> int:
    """Bytes: a number, and K, M, G or T of 1,024 each."""
    found = SIZE.fullmatch(text.strip())
    if not found or int(found[1]) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no size like 4GiB")
    return int(found[1]) << 10 * " KMGT".index(found[2].upper() or " ")


def store(command: argparse.ArgumentParser) -> None:
    """The options of a command that looks at one store."""
    command.add_argument("url", metavar="URL", nargs="?", help="store to look at")
    command.add_argument("--json", action="store_true", help="as JSON")


def output(command: argparse.ArgumentParser) -> None:
    """The options of a command that works and then tells."""
    command.add_argument("--json", action="store_true", help="the result as JSON on stdout")
    command.add_argument("--quiet", action="store_true", help="no progress on stderr")


def rules(command: argparse.ArgumentParser) -> None:
    """The option of a command that computes."""
    command.add_argument("--rules", choices=("legacy", "corrected"), default="legacy", help="[legacy]")


def rules_of(options: argparse.Namespace) -> Rules:
    """The rules that were chosen."""
    from engine.core.rules import Rules

    return Rules.corrected() if options.rules == "corrected" else Rules.legacy()


def day(text: str) -> date:
    """A date as ISO 8601 spells it."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no date like 2025-12-31") from None


def moment(text: str) -> datetime:
    """A time as ISO 8601 spells it; without a zone, New York's."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no time like 2025-12-31T18:00") from None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo("America/New_York"))


def uuid(text: str) -> UUID:
    """A portfolio's id."""
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no uuid") from None


def names(text: str) -> list[str]:
    """Names with commas between them."""
    return [name.strip() for name in text.split(",") if name.strip()]


def positive(text: str) -> int:
    """A whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no positive whole number")
    return int(text)


def percent(text: str) -> float:
    """A share from 0 to 100."""
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 100:
        raise argparse.ArgumentTypeError(f"'{text}' is no share from 0 to 100")
    return share


def print_rows(rows: dict[str, int], as_json: bool) -> None:
    """Rows by table, on stdout."""
    if as_json:
        print(json.dumps(rows, indent=1))
    else:
        print("\n".join(f"{name:<32}{count:>12,}" for name, count in rows.items()))
