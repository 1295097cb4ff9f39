"""Compare JSON cells by value: key order, spacing and the last digits of a float do not matter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import polars as pl

from engine.core.documents import parsed
from engine.parity.matching import ACTUAL
from engine.parity.tolerance import JSON_NUMBERS

ABSENT = "absent"
JsonDifference = tuple[str, str, str]
"""The path of a value, and the value on the expected and on the actual side."""


def unify_equal_json(pairs: pl.DataFrame, name: str) -> pl.DataFrame:
    """Replace actual JSON texts by the expected text where both have the same value.

    Args:
        pairs: matched rows: see `engine.parity.matching.Match`.
        name: a JSON column.

    Returns:
        The same rows.
    """
    other = name + ACTUAL
    # Many rows share a text, so each distinct pair of texts is parsed once.
    unlike = pairs.filter(pl.col(name) != pl.col(other)).select(name, other).unique()
    if unlike.is_empty():
        return pairs
    parse = cache(_parse)
    same = [next(_differences("", parse(a), parse(b)), None) is None for a, b in unlike.iter_rows()]
    replacements = unlike.filter(pl.Series(same)).with_columns(pl.col(name).alias("replacement"))
    joined = pairs.join(replacements, on=[name, other], how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("replacement", other).alias(other)).drop("replacement")


def first_difference(expected: str, actual: str) -> JsonDifference:
    """Return where two JSON texts first differ; without a path where they are equal by value.

    Args:
        expected: JSON text.
        actual: JSON text.

    Returns:
        The path, and the expected and the actual value there as text.
    """
    return next(_differences("", _parse(expected), _parse(actual)), ("", expected, actual))


class NotJson(str):
    """Text of a JSON column that cannot be parsed; it equals only the same text."""

    __slots__ = ()


def _parse(text: str) -> Any:
    try:
        return parsed(json.loads, text)
    except ValueError:
        return NotJson(text)


def _differences(path: str, a: Any, b: Any) -> Iterator[JsonDifference]:
    if isinstance(a, dict) and isinstance(b, dict):
        for name in dict.fromkeys((*a, *b)):
            inner = f"{path}.{name}" if path else name
            if name in a and name in b:
                yield from _differences(inner, a[name], b[name])
            else:
                yield inner, _member(a, name), _member(b, name)
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for index, (left, right) in enumerate(zip(a, b, strict=True)):
            yield from _differences(f"{path}[{index}]", left, right)
    elif not _same(a, b):
        yield path, _text(a), _text(b)


def _member(value: dict[str, Any], name: str) -> str:
    return _text(value[name]) if name in value else ABSENT


def _same(a: Any, b: Any) -> bool:
    """Return whether two leaves are equal: integers exactly, other numbers within JSON_NUMBERS."""
    if _is_number(a) and _is_number(b):
        if isinstance(a, int) and isinstance(b, int):
            return a == b
        return JSON_NUMBERS.close(a, b)
    return type(a) is type(b) and bool(a == b)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    return str(value) if isinstance(value, NotJson) else json.dumps(value, ensure_ascii=False)
