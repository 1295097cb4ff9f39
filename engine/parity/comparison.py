"""A comparison of two stores, with its reports."""

from __future__ import annotations

from dataclasses import dataclass

from engine.parity import comparison_page, comparison_text
from engine.parity.differences import Differences


@dataclass(frozen=True)
class Comparison(Differences):
    """Two stores compared: see `Differences` for the frames."""

    def to_text(self) -> str:
        """The report for a terminal, at most 120 columns wide."""
        return comparison_text.text(self)

    def to_json(self) -> str:
        """The whole result as JSON."""
        return comparison_text.as_json(self)

    def to_html(self) -> str:
        """A self-contained page: light, dark and printable."""
        return comparison_page.page(self)

    def _repr_html_(self) -> str:
        """The report in a notebook."""
        return comparison_page.fragment(self)

    def __str__(self) -> str:
        return self.to_text()
