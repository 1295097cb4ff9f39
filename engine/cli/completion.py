"""Shell completion: a script for a shell, made from the parsers by shtab."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from engine.cli.printing import show

SHELLS = ("bash", "zsh", "fish", "tcsh", "powershell")
FILES = ("FILE", "FILE.html")
FOLDERS = ("FOLDER",)
TABLE_NAMES = ("TABLE", "T")
"""Metavars of arguments that a shell completes with files, folders and tables of the schema."""


class PrintCompletion(argparse.Action):
    """Print the script of the shell that is named, and exit."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Print the script, and exit.

        Args:
            parser: of the whole command line; the commands' arguments are added to their parsers.
            namespace: not used.
            values: name of the shell, one of `SHELLS`.
            option_string: not used.
        """
        import shtab

        for command in commands_of(parser).values():
            command.fill()
            for action in command._actions:  # argparse has no public list of a parser's arguments
                _complete(action, shtab.FILE, shtab.DIRECTORY)
        show(shtab.complete(parser, str(values)))
        parser.exit()


def commands_of(parser: argparse.ArgumentParser) -> dict[str, Any]:
    """Return the parsers of a parser's commands, by name.

    Args:
        parser: of the whole command line.
    """
    (commands,) = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    return dict(commands.choices)


def _complete(action: argparse.Action, files: object, folders: object) -> None:
    """Say what completes an argument, where its parser itself does not need to know.

    Args:
        action: the argument.
        files: shtab's word for files.
        folders: the same for folders.
    """
    from engine.core.schema import TABLES

    if action.metavar in FILES:
        action.complete = files  # type: ignore[attr-defined]
    elif action.metavar in FOLDERS:
        action.complete = folders  # type: ignore[attr-defined]
    elif action.metavar in TABLE_NAMES:
        action.choices = list(TABLES)
