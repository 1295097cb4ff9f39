"""Hints on stderr: what to do after a command that succeeded."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Iterable

from engine.cli.printing import remark
from engine.core.store_url import safe_url


def suggest(options: Namespace, steps: Iterable[tuple[str, str]]) -> None:
    """Print what to do next, in a line each; nothing for a caller that asked for JSON or for quiet.

    Args:
        options: of the command that is done.
        steps: pairs of a purpose and what serves it, such as a command.
    """
    if getattr(options, "json", False) or getattr(options, "quiet", False):
        return
    for purpose, step in steps:
        remark(f"next, {purpose}: {step}")


def engine_command(name: str, *words: str) -> str:
    """Return a command of the engine as a shell takes it.

    Args:
        name: of the command.
        words: what follows it; passwords in URLs are masked.
    """
    return shlex.join(["engine", name, *(safe_url(word) for word in words)])
