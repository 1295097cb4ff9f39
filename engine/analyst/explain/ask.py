"""Which figure of which row is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.analyst.explain.case import Lot


@dataclass(frozen=True)
class Ask:
    """A figure and the row it stands in; what a table's rows are not told apart by is not set.

    row: the stored row, None where there is none.
    """

    table: str
    column: str
    row: dict[str, Any] | None = None
    lot: Lot | None = None
    factor: str = ""
    scenario: str = ""
    pair: tuple[str, str] = ("", "")
    job: str = ""
    tag: str = ""

    @property
    def position(self) -> Lot:
        """The lot, of a table whose rows belong to one."""
        assert self.lot is not None
        return self.lot
