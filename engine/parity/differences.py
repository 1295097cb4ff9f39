"""The differences between two stores, as frames, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import polars as pl

from engine.parity.keys import SEPARATOR
from engine.parity.tolerance import OFF_BY_ONE_IN, few_off_by_one

Verdict = Literal["equal", "different"]
SHORT_ID = 8
"""Characters of an id behind its name."""


@dataclass(frozen=True)
class Differences:
    """Differences between two stores. The columns of the frames are in `engine.parity.layout`.

    Attributes:
        expected: URL of the store that is the authority, without its password.
        actual: URL of the store that is checked.
        start: first day compared; None: from the first stored.
        end: last day compared; None: to the last stored.
        tables: one row per table: rows expected, actual, matched, missing, extra, duplicated and
            exempt; cells equal, off by one, different and exempt. Rows of both sides whose key is
            repeated count as duplicated and are not compared.
        columns: the same cell counts per column, with the largest difference of the cells that
            are not exempt.
        rows: sample keys of missing, extra and duplicated rows, with the full number of rows.
        examples: up to three cells per column and status (different, off_by_one, exempt).
        exemptions: what each declared exemption covered; `state` tells which were used.
        left_out: output tables that only the actual store has, so that nothing can be expected; tables
            and columns (`table.column`) that the legacy schema lacks and only one of the stores has.
        labels: names of portfolios and symbols of positions, by id, for the texts.
    """

    expected: str
    actual: str
    start: date | None
    end: date | None
    tables: pl.DataFrame
    columns: pl.DataFrame
    rows: pl.DataFrame
    examples: pl.DataFrame
    exemptions: pl.DataFrame
    left_out: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    def named(self, key: str) -> str:
        """Return a key with names before the ids of portfolios and positions, which are shortened.

        Args:
            key: of a row, its parts separated by slashes.
        """
        parts = key.split(SEPARATOR)
        named = (f"{self.labels[one]} ({one[:SHORT_ID]})" if one in self.labels else one for one in parts)
        return SEPARATOR.join(named)

    def total(self, name: str) -> int:
        """Return the sum of a count over all tables.

        Args:
            name: of a column of `tables`.
        """
        return int(self.tables.get_column(name).sum())

    @property
    def counted_cells(self) -> int:
        """The number of cells that decide the verdict: compared and not exempt."""
        return self.total("cells") - self.total("exempt")

    @property
    def reasons(self) -> list[str]:
        """Reasons why the stores are not equal; empty if they are."""
        counts = {
            "missing rows": self.total("missing"),
            "extra rows": self.total("extra"),
            "rows with a repeated key": self.total("duplicated"),
            "different cells": self.total("different"),
        }
        reasons = [f"{name}: {number:,}" for name, number in counts.items() if number]
        absent = self.tables.filter(~pl.col("in_actual")).get_column("table").to_list()
        reasons += [f"no table {name} in the actual store" for name in absent]
        off = self.total("off_by_one")
        if not few_off_by_one(off, self.counted_cells):
            cells = f"{self.counted_cells:,}"
            reasons.append(f"{off:,} of {cells} cells off by one, not under 1 in {OFF_BY_ONE_IN:,}")
        return reasons

    @property
    def verdict(self) -> Verdict:
        """`different` if there is any of `reasons`, else `equal`."""
        return "different" if self.reasons else "equal"

    @property
    def equal(self) -> bool:
        """Return whether the verdict is `equal`."""
        return self.verdict == "equal"

    @property
    def window(self) -> str:
        """The days compared, in words."""
        if not (self.start or self.end):
            return "all days"
        return f"{self.start or 'the first day'} to {self.end or 'the last day'}"

    @property
    def summary(self) -> str:
        """The verdict and its reasons, or how much was compared, in words."""
        cells = f"{self.total('cells'):,} cells in {self.tables.height} tables"
        return f"{self.verdict}: {'; '.join(self.reasons) or cells}"

    @property
    def unequal_columns(self) -> pl.DataFrame:
        """The rows of `columns` with a cell that is off by one or different and not exempt."""
        return self.columns.filter(pl.col("off_by_one") + pl.col("different") > 0)
