"""JSON cells compared by value: key order, spacing and the last digits of a float don't matter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import polars as pl

from engine.parity.matching import ACTUAL
from engine.parity.tolerance import JSON_NUMBERS

ABSENT = "absent"
Difference = tuple[str, str, str]


def settle(pairs: pl.DataFrame, name: str) -> pl.DataFrame:
    """Give the actual cells that are equal by value the expected text; leave all others."""
    other = name + ACTUAL
    unlike = pairs.filter(pl.col(name) != pl.col(other)).select(name, other).unique()
    if unlike.is_empty():
        return pairs
    parse = cache(_parse)
    alike = [next(_walk("", parse(a), parse(b)), None) is None for a, b in unlike.iter_rows()]
    same = unlike.filter(pl.Series(alike)).with_columns(pl.col(name).alias("settled"))
    joined = pairs.join(same, on=[name, other], how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("settled", other).alias(other)).drop("settled")


def first_difference(expected: str, actual: str) -> Difference:
    """Where two JSON texts first differ: the path, and the value on either side."""
    found = next(_walk("", _parse(expected), _parse(actual)), None)
    return found if found is not None else ("", expected, actual)


def _parse(text: str) -> Any:
    """The value of a JSON text; text that is not JSON equals nothing but itself."""
    try:
        return json.loads(text)
    except ValueError:
        return NotJson(text)


class NotJson(str):
    """Text of a JSON column that cannot be parsed."""

    __slots__ = ()


def _walk(path: str, a: Any, b: Any) -> Iterator[Difference]:
    """Every place where two values differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        yield from _walk_objects(path, a, b)
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for index, (left, right) in enumerate(zip(a, b, strict=True)):
            yield from _walk(f"{path}[{index}]", left, right)
    elif not _same(a, b):
        yield path, _text(a), _text(b)


def _walk_objects(path: str, a: dict[str, Any], b: dict[str, Any]) -> Iterator[Difference]:
    for name in dict.fromkeys((*a, *b)):
        inner = f"{path}.{name}" if path else name
        if name in a and name in b:
            yield from _walk(inner, a[name], b[name])
        else:
            yield inner, _member(a, name), _member(b, name)


def _member(value: dict[str, Any], name: str) -> str:
    return _text(value[name]) if name in value else ABSENT


def _same(a: Any, b: Any) -> bool:
    """Whether two leaves are equal; integers exactly, other numbers within JSON_NUMBERS."""
    if _is_number(a) and _is_number(b):
        if isinstance(a, int) and isinstance(b, int):
            return a == b
        return JSON_NUMBERS.close(a, b)
    return type(a) is type(b) and bool(a == b)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    return str(value) if isinstance(value, NotJson) else json.dumps(value, ensure_ascii=False)
