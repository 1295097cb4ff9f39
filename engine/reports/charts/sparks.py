"""Sparklines: a line without axes in a row of a table.

Drawn by hand: Vega takes 60 ms for a chart, and a fleet's page has two for each portfolio.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, MARGIN = 120, 28, 2
MOST_POINTS = 60
"""Points of a line: more cannot be told apart at this width."""


def spark(values: Sequence[float | None], label: str, colour: str = "c1") -> str:
    """Return an SVG line, broken at nulls; an empty text for fewer than two values.

    Args:
        values: at equal distances, oldest first.
        label: accessible name of the drawing.
        colour: name of a colour variable of the style sheet, without its dashes.
    """
    step = max(1, -(-len(values) // MOST_POINTS))
    kept = [*values[:-1:step], values[-1]] if values else []
    present = [value for value in kept if value is not None]
    if len(present) < 2:
        return ""
    low, high = min(present), max(present)
    scale = (HEIGHT - 2 * MARGIN) / (high - low) if high > low else 0.0
    pace = (WIDTH - 2 * MARGIN) / (len(kept) - 1)
    path, pen = [], "M"
    for place, value in enumerate(kept):
        if value is None:
            pen = "M"
            continue
        path.append(f"{pen}{MARGIN + place * pace:.1f} {HEIGHT - MARGIN - (value - low) * scale:.1f}")
        pen = "L"
    return (
        f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
        f'<path d="{"".join(path)}" fill="none" stroke="var(--{colour})" stroke-width="1.5" '
        'stroke-linejoin="round"/></svg>'
    )
