"""Reading of a scenario file, JSON or TOML, into plain tables, and the errors of such files."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from functools import partial
from importlib.resources.abc import Traversable
from pathlib import PurePath
from typing import Any

from engine.core.documents import parsed, read_text
from engine.core.errors import EngineError, nearest

Document = dict[str, Any]


class ScenarioFileError(EngineError, ValueError):
    """A scenario file that cannot be used."""

    def __init__(self, source: str, problem: str, hint: str = "") -> None:
        self.source, self.problem = source, problem
        super().__init__(f"scenario file {source}: {problem}", hint)


class ScenarioError(ScenarioFileError):
    """A scenario that breaks a rule."""

    def __init__(self, source: str, scenario: str, problem: str, hint: str = "") -> None:
        self.scenario = scenario
        super().__init__(source, f"scenario {scenario}: {problem}", hint)


class UnknownFactorError(ScenarioError, LookupError):
    """A scenario that shocks a factor that the engine does not know."""

    def __init__(self, source: str, scenario: str, factor: str, known: Collection[str]) -> None:
        self.factor = factor
        problem = f"unknown factor '{factor}'{nearest(factor, known)}"
        super().__init__(source, scenario, problem, f"Known are {', '.join(known)}")


def read_document(path: Traversable, source: str) -> Document:
    """Return the content of a scenario file, empty for a blank one.

    Args:
        path: the file, named .json or .toml.
        source: its name in messages.

    Raises:
        ScenarioFileError: If it cannot be read or parsed, or repeats a key.
    """
    parse = _parser(PurePath(source).suffix.lower(), source)
    try:
        text = read_text(path)
        return mapping(source, "the file", parsed(parse, text) if text.strip() else {})
    except ScenarioFileError:
        raise
    except (OSError, ValueError) as error:
        raise ScenarioFileError(source, f"cannot be read: {error}") from error


def _parser(suffix: str, source: str) -> Callable[[str], object]:
    """Return the parser for a file name's ending."""
    if suffix == ".toml":
        return tomllib.loads
    if suffix == ".json":
        return partial(json.loads, object_pairs_hook=partial(_unrepeated, source))
    raise ScenarioFileError(source, "the name must end in .toml or .json")


def _unrepeated(source: str, pairs: Sequence[tuple[str, Any]]) -> Document:
    """Return a JSON object without repeated keys."""
    # Python would keep the last of two equal keys; the TOML parser refuses them itself.
    document: Document = {}
    for name, value in pairs:
        if name in document:
            raise ScenarioFileError(source, f"key '{name}' is repeated")
        document[name] = value
    return document


def mapping(source: str, what: str, value: object) -> Document:
    """Return a value that must be a table.

    Args:
        source: the file's name in messages.
        what: the value's name in messages.
        value: as parsed.

    Raises:
        ScenarioFileError: If it is not a table.
    """
    if not isinstance(value, dict):
        raise ScenarioFileError(source, f"{what} must be a table of names and values")
    return value


def read_window(source: str, scenario: str, value: object) -> tuple[date, date]:
    """Return the first and the last day of a scenario's window.

    Args:
        source: the file's name in messages.
        scenario: its id.
        value: as parsed: two dates of TOML, or texts such as "2020-02-19".

    Raises:
        ScenarioError: If it is anything else, or does not end after its start.
    """
    both = value if isinstance(value, list | tuple) else ()
    days = [day for day in map(_day, both) if day is not None]
    if not len(both) == len(days) == 2:
        problem = f'field window must be two dates, such as ["2020-02-19", "2020-03-23"], not {value}'
        raise ScenarioError(source, scenario, problem)
    first, last = days
    if first >= last:
        raise ScenarioError(source, scenario, f"field window must end after {first}, not on {last}")
    return first, last


def _day(value: object) -> date | None:
    """Return a date, None for anything else."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return None
    # A datetime is a date to Python, but no day of closes.
    return value if isinstance(value, date) and not isinstance(value, datetime) else None


def no_unknown(source: str, keys: Collection[str], known: Collection[str], owner: str = "") -> None:
    """Refuse unknown keys.

    Args:
        source: the file's name in messages.
        keys: those of a table.
        known: those that it may have.
        owner: start of the message, where the table is not the whole file.

    Raises:
        ScenarioFileError: If a key is unknown; it names the nearest known one.
    """
    for name in keys:
        if name not in known:
            raise ScenarioFileError(source, f"{owner}unknown key '{name}'{nearest(name, known)}")
