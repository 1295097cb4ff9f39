"""Fenced blocks of Markdown pages: what the documentation claims can be run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(\w*)[ ]*(.*)$")
TITLE = re.compile(r'title="([^"]+)"')
RUNNABLE = frozenset({"bash", "console", "python", "pycon"})
SHOWN = frozenset({"sql", "text", "toml", "crontab", "ini", "json"})
"""Languages of blocks that are read, not run; one with a title is a file that later blocks use."""


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, what follows it on the fence, its text, its first line."""

    language: str
    info: str
    text: str
    line: int

    @property
    def title(self) -> str | None:
        found = TITLE.search(self.info)
        return found[1] if found else None


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    inside: list[str] | None = None
    language, info, first = "", "", 0
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        fence = FENCE.match(line)
        if inside is not None and line == "```":
            yield Block(language, info, "\n".join(inside) + "\n", first)
            inside = None
        elif inside is not None:
            inside.append(line)
        elif fence:
            inside, language, info, first = [], fence[1], fence[2], number + 1
    assert inside is None, f"{name(page)}: the block of line {first} has no end"


def commands(block: Block) -> Iterator[tuple[str, str | None]]:
    """Commands of a shell block with the output that is shown, None where none is.

    A line that ends in a backslash goes on in the next. In a `console` block a command stands
    behind a `$`, and what it prints under it.
    """
    text = block.text.replace("\\\n", " ")
    if block.language == "bash":
        for line in text.splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                yield line.strip(), None
        return
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command.strip(), output


def engine_commands(block: Block) -> Iterator[list[str]]:
    """The arguments of a shell block's calls of the engine: `engine` or `python -m engine`."""
    if block.language not in ("bash", "console"):
        return
    for command, _ in commands(block):
        words = shlex.split(command, comments=True)
        if "engine" in words:
            yield words[words.index("engine") + 1 :]
