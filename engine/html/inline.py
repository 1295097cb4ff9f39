"""A whole page inside a notebook cell."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

from engine.core.files import write_text

HEIGHT = "75vh"


@dataclass(frozen=True)
class InlinePage:
    """An HTML document that a notebook shows in a frame of its own, so that neither styles the other.

    Attributes:
        html: the document.
    """

    html: str

    def save(self, path: str | Path) -> Path:
        """Write the document into a file.

        Args:
            path: of the file; an existing one is replaced.

        Returns:
            The path.
        """
        file = Path(path)
        write_text(file, self.html)
        return file

    def __repr__(self) -> str:
        return f"InlinePage of {len(self.html):,} characters"

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{escape(self.html)}" sandbox="allow-scripts allow-downloads" '
            f'allow="clipboard-write *" title="Report" '
            f'style="width: 100%; height: {HEIGHT}; border: 0"></iframe>'
        )
