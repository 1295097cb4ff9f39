"""Small drawings for the rows of a table: a line, no axes.

Vega takes 60 ms for a chart, and a fleet's page has two for each of its portfolios.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, MARGIN = 120, 28, 2
MOST_POINTS = 120


def spark(values: Sequence[float | None], label: str, colour: str = "c1") -> str:
    """A line through the values, broken at nulls; nothing where there are fewer than two.

    Args:
        values: at equal distances, oldest first.
        label: what it shows, for those who do not see it.
        colour: its name in the style sheet.
    """
    step = max(1, -(-len(values) // MOST_POINTS))
    kept = [*values[:-1:step], values[-1]] if values else []
    known = [value for value in kept if value is not None]
    if len(known) < 2:
        return ""
    low, high = min(known), max(known)
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
