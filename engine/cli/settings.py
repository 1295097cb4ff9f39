"""Configuration: defaults < engine.toml < environment < flags. An unknown key is an error."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from engine.core.errors import UsageError, nearest
from engine.core.store_url import safe_url

FILE = "engine.toml"
PREFIX = "ENGINE_"
LONGEST_SHOWN = 20


@dataclass(frozen=True)
class Config:
    """What can be set outside the command line.

    database: the store that commands read and write when told no other.
    batch_size: rows that are sent at a time.
    run_results: the file that every run leaves.
    """

    database: str = "duckdb:///engine.duckdb"
    batch_size: int = 5_000
    run_results: str = "run_results.json"

    def shown(self) -> dict[str, str | int]:
        """The settings with passwords masked."""
        return {**vars(self), "database": safe_url(self.database)}


def load(folder: Path | None = None, environment: Mapping[str, str] | None = None) -> Config:
    """The configuration of a folder and an environment (default: the process's own).

    Raises:
        UsageError: an unknown key, a value of the wrong kind, or a file that is no TOML.
    """
    config = Config()
    path = (folder or Path()) / FILE
    if path.is_file():
        try:
            found = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} is no TOML: {error}") from error
        config = _with(config, found, str(path))
    variables = os.environ if environment is None else environment
    named = {k.removeprefix(PREFIX).lower(): v for k, v in variables.items() if k.startswith(PREFIX)}
    return _with(config, named, f"environment ({PREFIX}...)")


def _with(config: Config, found: Mapping[str, object], origin: str) -> Config:
    known = {field.name: type(getattr(config, field.name)) for field in fields(config)}
    changes: dict[str, object] = {}
    for key, value in found.items():
        if key not in known:
            raise UsageError(f"{origin}: unknown key {key}{nearest(key, known)}")
        changes[key] = _value(value, known[key], key, origin)
    changed: Config = replace(config, **changes)  # type: ignore[arg-type]
    return changed


def _value(value: object, kind: type, key: str, origin: str) -> object:
    if kind is int and isinstance(value, str) and value.isdecimal():
        value = int(value)
    if type(value) is not kind or (kind is int and int(str(value)) < 1):
        wanted = "a positive whole number" if kind is int else "text"
        # A value in the wrong place may be a secret.
        found = repr(value) if kind is int and len(str(value)) <= LONGEST_SHOWN else type(value).__name__
        raise UsageError(f"{origin}: {key} must be {wanted}, found {found}")
    return value
