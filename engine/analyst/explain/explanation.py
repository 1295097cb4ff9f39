"""An explanation: a figure's working, held against what is stored, and how it is shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from html import escape
from typing import Any, Literal

import polars as pl

from engine.analyst.explain.rounding import exact, rounded, undefined
from engine.analyst.explain.working import Value, Working, shown
from engine.core.frames import dtype
from engine.core.schema import Column

Verdict = Literal["equal", "differs", "absent", "unchecked"]
VERDICTS: dict[Verdict, str] = {
    "equal": "the stored figure is the one computed here",
    "differs": "THE STORED FIGURE IS NOT THE ONE COMPUTED HERE",
    "absent": "nothing is stored, and nothing could be computed",
    "unchecked": "the stored figure cannot be computed here",
}
FRAME_ROWS = 12
"""Rows of a longer frame that text shows: the others are in the JSON and in the frame itself."""
SAME = 1e-12
"""Relative difference of two numbers in a JSON document that are the same sum in another order."""


@dataclass(frozen=True)
class Explanation:
    """How one figure of one row came about.

    table, column: of the schema. key: what tells its row. source: the store of the inputs. run_date:
    what counted as today. working: formula, numbers,
    sessions and lots. computed: the working's value, rounded as the column stores it. stored: what
    the row holds, None too where there is no row. has_row: whether there is one. status: the rows
    of analytics_status of its job. verdict: whether the two agree.
    """

    table: str
    column: Column
    portfolio: str
    day: date
    key: Mapping[str, str]
    source: str
    run_date: date
    working: Working
    computed: Value
    stored: Value
    has_row: bool
    status: pl.DataFrame
    verdict: Verdict

    @property
    def figure(self) -> str:
        return self.column.name

    @property
    def agrees(self) -> bool:
        """Whether the stored figure is explained: nothing contradicts it."""
        return self.verdict != "differs"

    @property
    def rounding(self) -> str:
        """How the column stores the value."""
        kind, value = self.column.type, self.working.value
        if kind.kind != "numeric" or not isinstance(value, Decimal | float) or undefined(value):
            return ""
        told = f"{shown(value)} to {kind.scale} decimals, half away from zero: {shown(self.computed)}"
        return told if shown(value) != shown(self.computed) else ""

    def to_text(self) -> str:
        """For a terminal."""
        return "\n".join(_lines(self))

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        work, sample = self.working, self.working.sample
        return {
            "table": self.table,
            "figure": self.figure,
            "unit": self.column.unit,
            "portfolio": self.portfolio,
            "date": self.day.isoformat(),
            "key": dict(self.key),
            "source": self.source,
            "run_date": self.run_date.isoformat(),
            "formula": work.symbolic,
            "filled": work.filled,
            "value": _plain(work.value),
            "computed": _plain(self.computed),
            "stored": _plain(self.stored),
            "verdict": self.verdict,
            "reason": work.reason,
            "notes": list(work.notes),
            "steps": [
                {"name": s.name, "value": _plain(s.value), "what": s.what, "source": s.source}
                for s in work.steps
            ],
            "sessions": None
            if sample is None
            else {
                "look_back_days": sample.look_back,
                "used": [day.isoformat() for day in sample.used],
                "left_out": {day.isoformat(): why for day, why in sample.left_out},
            },
            "frames": {name: _rows(frame) for name, frame in work.frames.items()},
            "status": _rows(self.status),
        }

    def to_json(self) -> str:
        """The same as text."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False)

    def __repr__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return _page(self)


def _plain(value: Value) -> Any:
    """A value as JSON has it: decimals as text, NaN as text."""
    if undefined(value):
        return "NaN"
    return value if isinstance(value, float | int | bool | str) or value is None else shown(value)


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return [{name: _plain(value) for name, value in row.items()} for row in frame.iter_rows(named=True)]


def _head(found: Explanation) -> list[str]:
    """Which figure of which row."""
    where = ", ".join(f"{name} {value}" for name, value in found.key.items())
    unit = f" ({found.column.unit})" if found.column.unit else ""
    return [
        f"{found.table}.{found.figure}{unit}",
        f"  {where}",
        f"  seen from {found.run_date}; inputs of {found.source}",
    ]


def _page(found: Explanation) -> str:
    """For a notebook: frames are folded."""
    work, (title, *where) = found.working, _head(found)
    steps = "".join(
        f"<tr><th>{escape(step.name)}</th><td>{escape(shown(step.value))}</td>"
        f"<td>{escape(step.what)}</td><td>{escape(step.source)}</td></tr>"
        for step in work.steps
    )
    gaps = "".join(f"<li>{escape(gap)}</li>" for gap in work.sample.gaps) if work.sample else ""
    folded = "".join(
        f"<details><summary>{escape(name)}: {frame.height} rows</summary>{frame._repr_html_()}</details>"
        for name, frame in {**work.frames, "status": found.status}.items()
    )
    return (
        f"<h4>{escape(title)}</h4><p>{_broken(where)}</p>"
        f"<p><code>{escape(work.symbolic)}</code><br><code>{escape(work.filled)}</code></p>"
        f"<p>{_broken(_answer(found))}</p><table>{steps}</table>"
        f"<p>{escape(str(work.sample or ''))}</p><ul>{gaps}</ul>{folded}"
    )


def _broken(lines: list[str]) -> str:
    return "<br>".join(escape(line.strip()) for line in lines)


def _lines(found: Explanation) -> list[str]:
    work = found.working
    lines = [*_head(found), "", f"  {work.symbolic}"]
    if work.filled:
        lines += [f"  {work.filled}"]
    lines += ["", *_answer(found), ""]
    width = max((len(step.name) for step in work.steps), default=0)
    for step in work.steps:
        source = f"   [{step.source}]" if step.source else ""
        lines.append(f"  {step.name:<{width}} = {shown(step.value)}  {step.what}{source}")
    if work.sample is not None:
        lines += ["", f"  {work.sample}", *(f"    {gap}" for gap in work.sample.gaps)]
    for name, frame in work.frames.items():
        lines += ["", f"  {name}: {frame.height} rows", *_table(frame)]
    if found.status.height:
        lines += ["", "  status", *_table(found.status)]
    return [line.rstrip() for line in lines]


def _answer(found: Explanation) -> list[str]:
    work = found.working
    lines = [f"  computed  {shown(found.computed)}"]
    if found.rounding:
        lines[0] += f"   rounded from {found.rounding.split(':')[0]}"
    lines.append(f"  stored    {shown(found.stored) if found.has_row else 'no row'}")
    lines.append(f"  {VERDICTS[found.verdict]}")
    if work.reason:
        lines.append(f"  no figure: {work.reason}")
    return lines + [f"  note: {note}" for note in work.notes]


def _table(frame: pl.DataFrame) -> list[str]:
    kept = frame
    if frame.height > FRAME_ROWS:
        kept = pl.concat([frame.head(FRAME_ROWS // 2), frame.tail(FRAME_ROWS // 2)])
    cells = [[str(name) for name in kept.columns]]
    cells += [[shown(value) for value in row] for row in kept.iter_rows()]
    if frame.height > FRAME_ROWS:
        cells.insert(1 + FRAME_ROWS // 2, ["..."] * frame.width)
    widths = [max(len(row[i]) for row in cells) for i in range(frame.width)]
    padded = ([text.ljust(width) for text, width in zip(row, widths, strict=True)] for row in cells)
    return ["    " + "  ".join(row) for row in padded]


def stored_form(column: Column, value: Value) -> Value:
    """A computed value as its column stores it."""
    if value is None or column.type.kind != "numeric":
        return value
    if undefined(value):
        return value if column.nan else None
    assert isinstance(value, Decimal | float | int)
    return rounded(value if isinstance(value, Decimal | float) else Decimal(value), column.type.scale)


def read_form(column: Column, value: Value) -> Value:
    """A stored cell to compare with: doubles of a column that knows NaN as the decimals they mean."""
    if isinstance(value, float) and not undefined(value) and dtype(column) == pl.Float64:
        return rounded(exact(value), column.type.scale)
    return value


def same(column: Column, computed: Value, stored: Value) -> bool:
    """Whether two cells are equal; null, NaN and 0 are apart."""
    if undefined(computed) or undefined(stored):
        return undefined(computed) and undefined(stored)
    if column.type.kind == "json" and isinstance(computed, str) and isinstance(stored, str):
        return _alike(json.loads(computed), json.loads(stored))
    return (computed is None) == (stored is None) and computed == stored


def _alike(one: Any, other: Any) -> bool:
    """Two JSON documents, numbers but for the order of their sums."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= SAME * max(abs(one), abs(other))
    return bool(one == other)
