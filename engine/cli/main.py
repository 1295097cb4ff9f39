"""The command line: one parser over all commands, and what becomes of their errors."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NoReturn

from engine import __version__
from engine.cli.commands import COMMANDS
from engine.core.errors import either
from loaders.open import EXAMPLES


class Parser(argparse.ArgumentParser):
    """A parser whose complaints name no secret of a mistyped URL."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and leave with 2."""
        from engine.core.store_url import safe_url

        for argument in sys.argv[1:]:
            message = message.replace(argument, safe_url(argument))
        super().error(message)


class CommandParser(Parser):
    """What one command takes; its module is imported, and asked, when the command is called."""

    def __init__(self, command: str, **settings: Any) -> None:
        super().__init__(**settings)
        self._command = command

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The command's options, and what it does not know."""
        import_module(f"engine.cli.commands.{self._command}").arguments(self)
        return super().parse_known_args(args, namespace)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = Parser(
        prog="python -m engine",
        description="Portfolio analytics by the column: P&L, equity, exposures and risk.",
        epilog=f"A store is a URL: {either(EXAMPLES)}.",
    )
    top.add_argument("--version", action="version", version=f"engine {__version__}")
    commands = top.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=CommandParser
    )
    for name, text in COMMANDS.items():
        commands.add_parser(name, help=text, command=name)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 done; 1 some portfolio was refused, a row quarantined, a figure unexplained, closes missing, or
        stores differ; 2 usage or an unexpected error; 130 interrupted; 141 nobody reads on.
    """
    options = parser().parse_args(arguments)
    from engine.core.errors import EngineError, told

    try:
        return _run(options)
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 141  # what a shell says of a process that its pipe has ended
    except Exception as error:
        print(f"unexpected error: {told(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: nothing of an open transaction was written", file=sys.stderr)
        return 130


def _run(options: argparse.Namespace) -> int:
    import polars as pl

    from engine.cli import settings as config

    # The streaming engine gives other last bits in every run: see the design's rule on bytes.
    pl.Config.set_engine_affinity("in-memory")
    command: Callable[[argparse.Namespace, config.Config], int]
    command = import_module(f"engine.cli.commands.{options.command}").run
    return command(options, config.load())
