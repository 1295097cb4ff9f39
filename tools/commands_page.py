"""Generate docs/reference/commands.md from the parsers: `python -m tools.commands_page`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from engine.cli.commands import COMMANDS, command_module
from engine.core.errors import either
from loaders.open import EXAMPLES

PAGE = Path(__file__).parents[1] / "docs/reference/commands.md"
PROGRAM = "engine"
WIDTH = 100
HEAD = f"""\
# Commands

Generated from the parsers by `python -m tools.commands_page`; do not edit.

A store is a URL: {either(EXAMPLES)}. A command that gets
no URL uses the configured database: see [Settings](settings.md). Words in square brackets at the end of a
description are defaults. `--portfolio` takes an id or a name. Data goes to stdout, all else to stderr.

`engine --completion bash` prints a script by which the shell completes commands, options and tables; zsh,
fish, tcsh and PowerShell have theirs. `source <(engine --completion bash)` in `~/.bashrc` loads it.

| exit code | means |
|---|---|
| 0 | done, or nothing to do |
| 1 | done, but a portfolio was refused, a row quarantined, closes are missing, or figures or stores differ |
| 2 | not done: wrong usage, no connection, another run in the store, or an unexpected error |
| 130 | interrupted |
| 141 | the reader of the output of a command that only reads closed it |
| 143 | ended by SIGTERM |
"""


def parsers() -> dict[str, tuple[str, argparse.ArgumentParser]]:
    """Return each command's line of help and its parser."""
    found = {}
    for name, text in COMMANDS.items():
        parser = argparse.ArgumentParser(prog=f"{PROGRAM} {name}")
        command_module(name).arguments(parser)
        found[name] = text, parser
    return found


def markdown() -> str:
    """Return the page."""
    commands = parsers()
    rows = "".join(f"| [`{name}`](#{name}) | {text} |\n" for name, (text, _) in commands.items())
    sections = "".join(_section(name, text, parser) for name, (text, parser) in commands.items())
    return f"{HEAD}\n| command | what it does |\n|---|---|\n{rows}{sections}"


def _section(name: str, text: str, parser: argparse.ArgumentParser) -> str:
    rows = "".join(f"| {_spelled(action)} | {_description(action)} |\n" for action in _actions(parser))
    return (
        f"\n## {name}\n\n{text[0].upper()}{text[1:]}.\n\n```text\n{_usage(parser)}\n```\n\n"
        f"Example:\n\n```text\n{command_module(name).EXAMPLE}\n```\n\n"
        f"| argument | what it is |\n|---|---|\n{rows}"
    )


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    # argparse has no public list of a parser's arguments.
    return (action for action in parser._actions if not isinstance(action, argparse._HelpAction))


def _spelled(action: argparse.Action) -> str:
    names = ", ".join(action.option_strings) or _value(action)
    value = f" {_value(action)}" if action.option_strings and action.nargs != 0 else ""
    return f"`{names}{value}`"


def _value(action: argparse.Action) -> str:
    if action.choices:
        return "|".join(str(choice) for choice in action.choices).replace("|", r"\|")
    return str(action.metavar or action.dest.upper())


def _description(action: argparse.Action) -> str:
    text = (action.help or "").replace("|", r"\|")
    return f"{text}; repeatable" if _repeats(action) and "repeatable" not in text else text


def _repeats(action: argparse.Action) -> bool:
    return isinstance(action, argparse._AppendAction)


def _usage(parser: argparse.ArgumentParser) -> str:
    """Return the usage in lines of one width, which argparse breaks differently from version to version."""
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
