"""docs/reference/commands.md, made from the parsers: `python -m tools.commands_page`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from engine.cli.commands import COMMANDS
from engine.core.errors import either
from loaders.open import EXAMPLES

PAGE = Path(__file__).parents[1] / "docs/reference/commands.md"
PROGRAM = "engine"
WIDTH = 100
HEAD = f"""\
# Commands

Made by `python -m tools.commands_page` from the parsers; do not edit.

A store is a URL: {either(EXAMPLES)}. Where a
command takes a URL and is given none, it takes the configured database: see [Settings](settings.md). Words in
square brackets at the end of a description are defaults. Data goes to stdout, progress and errors to stderr.

| exit code | means |
|---|---|
| 0 | done, or nothing was missing |
| 1 | done, but a portfolio was refused or a row quarantined; of `compare`: the stores differ |
| 2 | usage, a store out of reach, another run at work, an unexpected error: nothing half-done is left |
| 130 | interrupted |
| 141 | whoever read the output closed it |
"""


def parsers() -> dict[str, tuple[str, argparse.ArgumentParser]]:
    """Each command's one line of help, and its parser."""
    found = {}
    for name, told in COMMANDS.items():
        parser = argparse.ArgumentParser(prog=f"{PROGRAM} {name}")
        import_module(f"engine.cli.commands.{name}").arguments(parser)
        found[name] = told, parser
    return found


def markdown() -> str:
    """The page."""
    commands = parsers()
    rows = "".join(f"| [`{name}`](#{name}) | {told} |\n" for name, (told, _) in commands.items())
    sections = "".join(_section(name, told, parser) for name, (told, parser) in commands.items())
    return f"{HEAD}\n| command | what it does |\n|---|---|\n{rows}{sections}"


def _section(name: str, told: str, parser: argparse.ArgumentParser) -> str:
    rows = "".join(f"| {_spelled(action)} | {_told(action)} |\n" for action in _actions(parser))
    return (
        f"\n## {name}\n\n{told[0].upper()}{told[1:]}.\n\n```text\n{_usage(parser)}\n```\n\n"
        f"| argument | what it is |\n|---|---|\n{rows}"
    )


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    # argparse shows them in its help and nowhere else.
    return (action for action in parser._actions if not isinstance(action, argparse._HelpAction))


def _spelled(action: argparse.Action) -> str:
    names = ", ".join(action.option_strings) or _value(action)
    value = f" {_value(action)}" if action.option_strings and action.nargs != 0 else ""
    return f"`{names}{value}`"


def _value(action: argparse.Action) -> str:
    if action.choices:
        return "|".join(str(choice) for choice in action.choices).replace("|", r"\|")
    return str(action.metavar or action.dest.upper())


def _told(action: argparse.Action) -> str:
    told = (action.help or "").replace("|", r"\|")
    return f"{told}; may stand several times" if _repeats(action) and "repeatable" not in told else told


def _repeats(action: argparse.Action) -> bool:
    return isinstance(action, argparse._AppendAction)


def _usage(parser: argparse.ArgumentParser) -> str:
    """The usage, its lines filled to one width whatever the version of Python."""
    lines = [parser.prog]
    for part in map(_part, _actions(parser)):
        if len(lines[-1]) + 1 + len(part) > WIDTH:
            lines.append("   ")
        lines[-1] += f" {part}"
    return "\n".join(lines)


def _part(action: argparse.Action) -> str:
    text = _spelled(action).strip("`").replace(r"\|", "|").split(", ")[-1]
    if action.required and not action.nargs:
        return text
    return f"[{text}]..." if _repeats(action) or action.nargs in ("*", "+") else f"[{text}]"


if __name__ == "__main__":
    PAGE.write_text(markdown(), encoding="utf-8")
