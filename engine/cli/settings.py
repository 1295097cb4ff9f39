"""Configuration: defaults < engine.toml < environment < command line. An unknown key is an error."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import cast

from engine.core.documents import parsed, read_text
from engine.core.errors import UsageError, nearest
from engine.core.store_url import safe_url

FILE = "engine.toml"
PREFIX = "ENGINE_"
LONGEST_SHOWN = 20
"""Longest wrong value that an error repeats; a longer one may be a secret in the wrong place."""


@dataclass(frozen=True)
class Config:
    """Settings besides the command line.

    Attributes:
        database: URL of the store that commands use when the command line names none.
        batch_size: rows sent to a store at a time.
        run_results: path of the record that every run writes.
        rules: rules to compute by: see `engine.cli.commands.options.rules_of`.
        postgres_reader: how Postgres is read: see `loaders.open.POSTGRES_READERS`.
    """

    database: str = "duckdb:///engine.duckdb"
    batch_size: int = 5_000
    run_results: str = "run_results.json"
    rules: str = "store"
    postgres_reader: str = "adbc"

    def shown(self) -> dict[str, str | int]:
        """Return the settings with passwords masked."""
        return {
            key: safe_url(value) if isinstance(value, str) else value for key, value in vars(self).items()
        }


def load(folder: Path | None = None, environment: Mapping[str, str] | None = None) -> Config:
    """Return the configuration of a folder and an environment.

    Args:
        folder: where engine.toml is looked for; default the current folder.
        environment: variables by name; default those of the process.

    Raises:
        UsageError: an unknown key, a value of the wrong type, or a file that is not TOML.
    """
    config = Config()
    path = (folder or Path()) / FILE
    if path.is_file():
        try:
            content = parsed(tomllib.loads, read_text(path))
        except (OSError, ValueError) as error:
            raise UsageError(f"{path} is no TOML: {error}") from error
        config = _with(config, cast("dict[str, object]", content), str(path))
    variables = os.environ if environment is None else environment
    named = {k.removeprefix(PREFIX).lower(): v for k, v in variables.items() if k.startswith(PREFIX)}
    return _with(config, named, f"environment ({PREFIX}...)")


def _with(config: Config, values: Mapping[str, object], origin: str) -> Config:
    types = {field.name: type(getattr(config, field.name)) for field in fields(config)}
    changes: dict[str, object] = {}
    for key, value in values.items():
        if key not in types:
            raise UsageError(f"{origin}: unknown key {key}{nearest(key, types)}")
        changes[key] = _value(value, types[key], key, origin)
    changed: Config = replace(config, **changes)  # type: ignore[arg-type]
    return changed


def _value(value: object, kind: type, key: str, origin: str) -> object:
    if isinstance(value, str) and not value.strip():
        raise UsageError(f"{origin}: {key} is empty", "Leave it out for its default")
    if kind is int and isinstance(value, str) and value.isdecimal() and len(value) <= LONGEST_SHOWN:
        value = int(value)
    # Not isinstance: a Boolean is an int.
    if type(value) is not kind or (kind is int and int(str(value)) < 1):
        wanted = "a positive whole number" if kind is int else "text"
        given = repr(value) if kind is int and len(str(value)) <= LONGEST_SHOWN else type(value).__name__
        raise UsageError(f"{origin}: {key} must be {wanted}, found {given}")
    return value
