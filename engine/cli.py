"""The commands: what they take. What they do is in `engine.commands`, imported when one runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from uuid import UUID

STORES = "duckdb:///file.duckdb, postgresql://user@host/database or parquet:///folder"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m engine",
        description="Portfolio analytics by the column: P&L, equity, exposures and risk.",
        epilog=f"A store is a URL: {STORES}.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _backfill(commands.add_parser("backfill", help="compute and write the sessions of a window"))
    _compare(commands.add_parser("compare", help="compare two stores cell by cell"))
    _demo(commands.add_parser("demo", help="make a store with invented data"))
    _status(commands.add_parser("status", help="say what a store holds and what is missing"))
    _status(commands.add_parser("runs", help="show a store's runs, their shards, and who is at work"))
    _copy(commands.add_parser("copy", help="copy every known table to another store"))
    _schema(commands.add_parser("schema", help="show, or make, the tables"))
    return top


def _backfill(command: argparse.ArgumentParser) -> None:
    command.add_argument("--from", dest="source", metavar="URL", help="store to read")
    command.add_argument("--to", dest="target", metavar="URL", help="store to write [the same]")
    command.add_argument("--start", type=_day, metavar="D", help="first day [first missing]")
    command.add_argument("--end", type=_day, metavar="D", help="last day [newest session]")
    command.add_argument("--run-date", type=_day, metavar="D", help="what counts as today")
    command.add_argument(
        "--portfolio", type=_uuid, metavar="ID", action="append", help="only this one; repeatable"
    )
    command.add_argument("--only", type=_names, metavar="TABLE,...", help="write only these tables")
    command.add_argument("--batch-size", type=_positive, metavar="ROWS", help="rows a batch [5000]")
    command.add_argument("--rules", choices=("legacy", "corrected"), default="legacy", help="[legacy]")
    command.add_argument("--scenarios", metavar="FILE", help="stress scenarios, TOML or JSON")
    command.add_argument("--shard-size", type=_positive, metavar="N", help="portfolios a shard")
    command.add_argument("--restart", action="store_true", help="redo what a cut-off run had done")
    command.add_argument("--wait", action="store_true", help="wait for another run in the target")
    command.add_argument("--dry-run", action="store_true", help="compute, but write nothing")
    _output(command)


def _compare(command: argparse.ArgumentParser) -> None:
    command.add_argument("expected", metavar="EXPECTED", help="store URL")
    command.add_argument("actual", metavar="ACTUAL", help="store URL")
    command.add_argument("--tables", type=_names, metavar="TABLE,...", help="[all outputs]")
    command.add_argument("--start", type=_day, metavar="D", help="first day of dated rows")
    command.add_argument("--end", type=_day, metavar="D", help="last day of dated rows")
    command.add_argument("--exempt", metavar="FILE", help="declared exemptions, JSON")
    command.add_argument("--json", metavar="FILE", help="write the findings as JSON")
    command.add_argument("--html", metavar="FILE", help="write the findings as a page")


def _demo(command: argparse.ArgumentParser) -> None:
    command.add_argument("url", metavar="URL", nargs="?", help="store to make")
    command.add_argument("--portfolios", type=_positive, default=5, metavar="N", help="[5]")
    command.add_argument("--positions", type=_positive, default=20, metavar="N", help="[20]")
    command.add_argument("--symbols", type=_positive, default=60, metavar="N", help="[60]")
    command.add_argument("--seed", type=int, default=7, metavar="N", help="[7]")
    _output(command)


def _status(command: argparse.ArgumentParser) -> None:
    command.add_argument("url", metavar="URL", nargs="?", help="store to look at")
    command.add_argument("--json", action="store_true", help="as JSON")


def _copy(command: argparse.ArgumentParser) -> None:
    command.add_argument("source", metavar="FROM", help="store URL")
    command.add_argument("target", metavar="TO", help="store URL")
    command.add_argument("--batch-size", type=_positive, metavar="ROWS", help="rows a batch [5000]")
    _output(command)


def _schema(command: argparse.ArgumentParser) -> None:
    command.add_argument("table", metavar="TABLE", nargs="?", help="[all]")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--ddl", choices=("postgres", "duckdb"), help="as CREATE statements")
    form.add_argument("--markdown", action="store_true", help="as a page of documentation")
    form.add_argument("--create", metavar="URL", help="make the tables that a store lacks")


def _output(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="the result as JSON on stdout")
    command.add_argument("--quiet", action="store_true", help="no progress on stderr")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no date like 2025-12-31") from None


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no uuid") from None


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no positive whole number")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 done; 1 some portfolio failed, or stores differ; 2 usage or an unexpected error;
        130 interrupted.
    """
    options = parser().parse_args(arguments)
    from engine import commands
    from engine.errors import EngineError, told

    try:
        return commands.run(options)
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except Exception as error:
        print(f"unexpected error: {told(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: nothing of an open transaction was written", file=sys.stderr)
        return 130
