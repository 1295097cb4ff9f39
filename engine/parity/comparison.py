"""A comparison of two stores, with its reports."""

from __future__ import annotations

import json
from dataclasses import dataclass

from engine.parity import comparison_text
from engine.parity.differences import Differences


@dataclass(frozen=True)
class Comparison(Differences):
    """Two stores compared: see `Differences` for the frames."""

    def to_text(self) -> str:
        """Return the report for a terminal, at most 120 columns wide."""
        return comparison_text.text(self)

    def to_json(self) -> str:
        """Return everything that the comparison holds as JSON."""
        frames = {
            name: getattr(self, name).to_dicts()
            for name in ("tables", "columns", "rows", "examples", "exemptions")
        }
        content = {
            "verdict": self.verdict,
            "reasons": self.reasons,
            "expected": self.expected,
            "actual": self.actual,
            "start": self.start and self.start.isoformat(),
            "end": self.end and self.end.isoformat(),
            "left_out": self.left_out,
        }
        return json.dumps(content | frames, indent=1, ensure_ascii=False, allow_nan=False)

    def to_html(self) -> str:
        """Return a page that loads nothing: for light and dark screens, and for printing."""
        from engine.parity.comparison_page import comparison_page

        return comparison_page(self)

    def _repr_html_(self) -> str:
        from engine.parity.comparison_page import comparison_fragment

        return comparison_fragment(self)

    def __str__(self) -> str:
        return self.to_text()
