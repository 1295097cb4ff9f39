"""Explanation of one figure: its working, the comparison with the store, and its text and JSON."""

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
    "equal": "the stored value equals the computed value",
    "differs": "THE STORED VALUE DIFFERS FROM THE COMPUTED VALUE",
    "absent": "no value is stored, and none can be computed",
    "unchecked": "the stored value cannot be recomputed",
}
FRAME_ROWS = 12
"""Rows of a longer frame shown as text; JSON and the frame have all rows."""
JSON_TOLERANCE = 1e-12
"""Relative tolerance of numbers in JSON documents: sums may be added in another order."""


@dataclass(frozen=True)
class Explanation:
    """Recomputation of one stored figure and its comparison with the store.

    Attributes:
        table: Table name.
        column: Schema column of the figure.
        portfolio: Portfolio name.
        day: The session.
        key: Key of the row as text: {part: value}.
        source: URL of the store of the inputs.
        run_date: Run date of the stored session.
        working: Formula, steps, sessions and frames.
        computed: Recomputed value, rounded as the column stores it.
        stored: Stored value; None also if there is no row.
        has_row: Whether the row exists.
        status: Rows of analytics_status of the figure's job.
        verdict: "equal", "differs", "absent" (no value and none expected) or "unchecked".
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
        """Name of the figure's column."""
        return self.column.name

    @property
    def agrees(self) -> bool:
        """Return whether the stored value does not differ from the computed one."""
        return self.verdict != "differs"

    @property
    def rounding(self) -> str:
        """Text of the rounding from the computed to the stored value, "" if nothing is rounded."""
        kind, value = self.column.type, self.working.value
        if kind.kind != "numeric" or not isinstance(value, Decimal | float) or undefined(value):
            return ""
        text = f"{shown(value)} to {kind.scale} decimals, half away from zero: {shown(self.computed)}"
        return text if shown(value) != shown(self.computed) else ""

    def to_text(self) -> str:
        """Return the explanation as text for a terminal; long frames are cut."""
        return "\n".join(_lines(self))

    def to_dict(self) -> dict[str, Any]:
        """Return the whole explanation as JSON values; decimals are text."""
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
            "value": _json_value(work.value),
            "computed": _json_value(self.computed),
            "stored": _json_value(self.stored),
            "verdict": self.verdict,
            "reason": work.reason,
            "notes": list(work.notes),
            "steps": [
                {"name": s.name, "value": _json_value(s.value), "what": s.what, "source": s.source}
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
        """Return `to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False)

    def __repr__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return _page(self)


def _json_value(value: Value) -> Any:
    """Return a value for JSON: decimals and NaN as text."""
    if undefined(value):
        return "NaN"
    return value if isinstance(value, float | int | bool | str) or value is None else shown(value)


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return [{name: _json_value(value) for name, value in row.items()} for row in frame.iter_rows(named=True)]


def _head(explanation: Explanation) -> list[str]:
    """Return the lines that name the figure and its row."""
    where = ", ".join(f"{name} {value}" for name, value in explanation.key.items())
    unit = f" ({explanation.column.unit})" if explanation.column.unit else ""
    return [
        f"{explanation.table}.{explanation.figure}{unit}",
        f"  {where}",
        f"  run date {explanation.run_date}; inputs from {explanation.source}",
    ]


def _page(explanation: Explanation) -> str:
    """Return HTML for a notebook, with folded frames."""
    work, (title, *where) = explanation.working, _head(explanation)
    steps = "".join(
        f"<tr><th>{escape(step.name)}</th><td>{escape(shown(step.value))}</td>"
        f"<td>{escape(step.what)}</td><td>{escape(step.source)}</td></tr>"
        for step in work.steps
    )
    gaps = "".join(f"<li>{escape(gap)}</li>" for gap in work.sample.gaps) if work.sample else ""
    folded = "".join(
        f"<details><summary>{escape(name)}: {frame.height} rows</summary>{frame._repr_html_()}</details>"
        for name, frame in {**work.frames, "status": explanation.status}.items()
    )
    return (
        f"<h4>{escape(title)}</h4><p>{_with_breaks(where)}</p>"
        f"<p><code>{escape(work.symbolic)}</code><br><code>{escape(work.filled)}</code></p>"
        f"<p>{_with_breaks(_answer(explanation))}</p><table>{steps}</table>"
        f"<p>{escape(str(work.sample or ''))}</p><ul>{gaps}</ul>{folded}"
    )


def _with_breaks(lines: list[str]) -> str:
    return "<br>".join(escape(line.strip()) for line in lines)


def _lines(explanation: Explanation) -> list[str]:
    work = explanation.working
    lines = [*_head(explanation), "", f"  {work.symbolic}"]
    if work.filled:
        lines += [f"  {work.filled}"]
    lines += ["", *_answer(explanation), ""]
    width = max((len(step.name) for step in work.steps), default=0)
    for step in work.steps:
        source = f"   [{step.source}]" if step.source else ""
        lines.append(f"  {step.name:<{width}} = {shown(step.value)}  {step.what}{source}")
    if work.sample is not None:
        lines += ["", f"  {work.sample}", *(f"    {gap}" for gap in work.sample.gaps)]
    for name, frame in work.frames.items():
        lines += ["", f"  {name}: {frame.height} rows", *_table(frame)]
    if explanation.status.height:
        lines += ["", "  status", *_table(explanation.status)]
    return [line.rstrip() for line in lines]


def _answer(explanation: Explanation) -> list[str]:
    work = explanation.working
    lines = [f"  computed  {shown(explanation.computed)}"]
    if explanation.rounding:
        lines[0] += f"   rounded from {explanation.rounding.split(':')[0]}"
    lines.append(f"  stored    {shown(explanation.stored) if explanation.has_row else 'no row'}")
    lines.append(f"  {VERDICTS[explanation.verdict]}")
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
    """Return a computed value as its column stores it.

    Args:
        column: Gives type, scale, and whether it holds NaN.
        value: As computed, not rounded; None stays None.
    """
    if value is None or column.type.kind != "numeric":
        return value
    if undefined(value):
        return value if column.nan else None
    assert isinstance(value, Decimal | float | int)
    return rounded(value if isinstance(value, Decimal | float) else Decimal(value), column.type.scale)


def read_form(column: Column, value: Value) -> Value:
    """Return a stored value for the comparison: a double of a NaN column as its decimal.

    Args:
        column: Gives type and scale.
        value: As read from the store.
    """
    if isinstance(value, float) and not undefined(value) and dtype(column) == pl.Float64:
        return rounded(exact(value), column.type.scale)
    return value


def same(column: Column, computed: Value, stored: Value, tolerance: float = 0.0) -> bool:
    """Return whether two values are equal; null, NaN and 0 are different values.

    Args:
        column: Gives the type; JSON documents are compared by value.
        computed: In its stored form.
        stored: As read.
        tolerance: Of numbers, see `Working`.
    """
    if undefined(computed) or undefined(stored):
        return undefined(computed) and undefined(stored)
    if column.type.kind == "json" and isinstance(computed, str) and isinstance(stored, str):
        return _equal_json(json.loads(computed), json.loads(stored))
    if tolerance and isinstance(computed, Decimal) and isinstance(stored, Decimal):
        return abs(computed - stored) <= Decimal(tolerance)
    return (computed is None) == (stored is None) and computed == stored


def _equal_json(one: Any, other: Any) -> bool:
    """Return whether two JSON documents are equal, numbers within the tolerance."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal_json(one[key], other[key]) for key in one)
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= JSON_TOLERANCE * max(abs(one), abs(other))
    return bool(one == other)
