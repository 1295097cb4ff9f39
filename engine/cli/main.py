"""The command line: one parser over all commands, and the exit codes of their errors."""

from __future__ import annotations

import argparse
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import Any, NoReturn

from engine.cli.commands import COMMANDS, COMPUTING, command_module
from engine.cli.completion import SHELLS, PrintCompletion
from engine.cli.printing import remark
from engine.cli.signals import TERMINATED, ending_on_signals, signal_code
from engine.core.errors import EngineError, either, error_line
from engine.core.version import VERSION
from loaders.open import EXAMPLES, read_postgres_by, start_early


class Parser(argparse.ArgumentParser):
    """A parser whose errors name the nearest command or option, and no secret of a mistyped URL."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse what the parser knows; exit with 2 at an option that it does not know.

        Args:
            args: words; default those of the command line.
            namespace: to which the values are added; default a new one.

        Returns:
            The namespace, and the words that the parser does not know.
        """
        options = [name for action in self._actions for name in action.option_strings]
        # argparse would first complain about a required option, which may be the mistyped one.
        for word in self._own_words(sys.argv[1:] if args is None else args):
            name = word.partition("=")[0]
            if name.startswith("--") and not any(option.startswith(name) for option in options):
                self.error(f"there is no option {name}{did_you_mean(name, options)}")
        return super().parse_known_args(args, namespace)

    def _own_words(self, words: Sequence[str]) -> Iterable[str]:
        """Return the words before the command."""
        return takewhile(lambda word: word.startswith("-"), words)

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        # A variable of the shell that is not set; the words after the command are seen by its own parser.
        if not arg_string.strip() and action.nargs != argparse.PARSER:
            raise argparse.ArgumentError(action, "a value is expected, the text is empty")
        return super()._get_value(action, arg_string)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            nearest = did_you_mean(str(value), map(str, action.choices or ()))
            raise argparse.ArgumentError(action, f"{error.message}{nearest}") from None

    def error(self, message: str) -> NoReturn:
        """Print usage and the message, and exit with 2."""
        from engine.core.secrets import masked
        from engine.core.store_url import safe_url

        for argument in sys.argv[1:]:
            message = message.replace(argument, safe_url(argument))
        super().error(masked(message))


class CommandParser(Parser):
    """The parser of one command, whose module is imported only when the command is called."""

    def __init__(self, command: str, **settings: Any) -> None:
        super().__init__(**settings)
        self._command = command

    def fill(self) -> None:
        """Add the command's arguments, and its example."""
        module = command_module(self._command)
        module.arguments(self)
        self.epilog = f"example:\n  {module.EXAMPLE}"

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Add the command's arguments, and parse them.

        Args:
            args: words after the command's name.
            namespace: to which the values are added.

        Returns:
            The namespace, and the words that the parser does not know.
        """
        self.fill()
        return super().parse_known_args(args, namespace)

    def _own_words(self, words: Sequence[str]) -> Iterable[str]:
        return takewhile("--".__ne__, words)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return `; did you mean ...?` with the nearest of `names`, empty when none is near.

    Args:
        name: as the user wrote it.
        names: that would have been right.
    """
    from difflib import get_close_matches

    close = get_close_matches(name, list(names), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def parser(only: str = "") -> argparse.ArgumentParser:
    """Return the parser of the whole command line.

    Args:
        only: the one command that it needs to know; default all.
    """
    top = Parser(
        prog="engine",
        description="Columnar portfolio analytics: P&L, equity, exposures and risk.",
        epilog=f"A store is a URL: {either(EXAMPLES)}.",
    )
    top.add_argument("--version", action="version", version=f"engine {VERSION}")
    top.add_argument(
        "--completion",
        action=PrintCompletion,
        choices=SHELLS,
        help="print a script that completes commands and options: source <(engine --completion bash)",
    )
    commands = top.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=CommandParser
    )
    for name, text in [(only, COMMANDS[only])] if only in COMMANDS else COMMANDS.items():
        commands.add_parser(name, help=text, command=name, formatter_class=RawDescriptionHelpFormatter)
    return top


def main(arguments: Sequence[str] | None = None, own_process: bool = False) -> int:
    """Run one command.

    Args:
        arguments: the words after the program's name; default those of the process.
        own_process: whether nothing but the command runs in this process.

    Returns:
        The exit code. 0: done. 1: a portfolio was refused, a row quarantined, a figure not explained,
        closes are missing, or stores differ. 2: wrong usage or an unexpected error. 130:
        interrupted. 141: the reader of the output closed it. 143: ended by SIGTERM.
    """
    try:
        with ending_on_signals():
            words = sys.argv[1:] if arguments is None else arguments
            known = parser(words[0] if words else "")  # to make those of all commands takes 3 ms
            return _run(known.parse_args(words, argparse.Namespace(own_process=own_process)))
    except (Exception, KeyboardInterrupt) as error:
        return _ended(error)


def _ended(error: BaseException) -> int:
    """Say why a command ended, and return its exit code."""
    code = signal_code(error)
    if code:
        word = "terminated" if code == TERMINATED else "interrupted"
        remark(f"{word}: nothing of an open transaction was written")
        return code
    if isinstance(error, BrokenPipeError):
        return 141  # what a shell reports of a process that SIGPIPE ended
    kind = "error" if isinstance(error, EngineError) else "unexpected error"
    remark(f"{kind}: {error if isinstance(error, EngineError) else error_line(error)}")
    return 2


def _run(options: argparse.Namespace) -> int:
    import polars as pl

    from engine.cli import settings as config

    # The streaming engine is not repeatable: its sums differ in the last bits from run to run.
    pl.Config.set_engine_affinity("in-memory")
    command: Callable[[argparse.Namespace, config.Config], int]
    command = command_module(options.command).run
    settings = config.load()
    read_postgres_by(settings.postgres_reader)
    if options.own_process and options.command in COMPUTING:
        start_early(options.source or settings.database)
    return command(options, settings)
