"""A scenario file as plain tables, from JSON or TOML, before anything is known of its meaning."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Collection, Sequence
from functools import partial
from importlib.resources.abc import Traversable
from pathlib import PurePath
from typing import Any

from engine.analytics.stress.scenario_errors import ScenarioFileError
from engine.core.errors import nearest

Document = dict[str, Any]


def read_document(path: Traversable, source: str) -> Document:
    """The file's content, whatever it is; nothing in a blank one."""
    parse = _parser(PurePath(source).suffix.lower(), source)
    try:
        text = path.read_text(encoding="utf-8")
        return mapping(source, "the file", parse(text) if text.strip() else {})
    except ScenarioFileError:
        raise
    except (OSError, ValueError) as error:
        raise ScenarioFileError(source, f"cannot be read: {error}") from error


def _parser(suffix: str, source: str) -> Callable[[str], object]:
    if suffix == ".toml":
        return tomllib.loads
    if suffix == ".json":
        return partial(json.loads, object_pairs_hook=partial(_unrepeated, source))
    raise ScenarioFileError(source, "its name ends in neither .toml nor .json")


def _unrepeated(source: str, pairs: Sequence[tuple[str, Any]]) -> Document:
    """A JSON object; Python would keep the last of two equal keys, TOML refuses them itself."""
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ScenarioFileError(source, f"key '{name}' stands there twice")
    return dict(pairs)


def mapping(source: str, what: str, value: object) -> Document:
    """A value that is to be a table."""
    if not isinstance(value, dict):
        raise ScenarioFileError(source, f"{what} is not a table of names and values")
    return value


def no_unknown(source: str, found: Collection[str], known: Collection[str], owner: str = "") -> None:
    """Refuse a key that is not known, with the nearest that is."""
    for name in found:
        if name not in known:
            raise ScenarioFileError(source, f"{owner}unknown key '{name}'{nearest(name, known)}")
