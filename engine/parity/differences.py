"""The differences between two stores, as frames, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

from engine.parity.tolerance import OFF_BY_ONE_IN, few_off_by_one

Verdict = Literal["equal", "different"]


@dataclass(frozen=True)
class Differences:
    """What differs between two stores.

    tables: one row a table: rows expected and actual, matched, missing, extra, duplicated,
        exempt; cells, of which equal, off by one, different, exempt. The rows of both sides
        whose key is repeated count as duplicated and are not compared.
    columns: the same cells by column, with the largest difference among the cells that count.
    rows: a sample of the keys of missing, extra and duplicated rows, with their full number.
    examples: up to three cells of each column and status (different, off_by_one, exempt).
    exemptions: what each declared exemption covered; `state` says which matched nothing.
    left_out: output tables that only the actual store has; nothing says what they should hold.
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

    def total(self, name: str) -> int:
        """The sum of a count over all tables."""
        return int(self.tables.get_column(name).sum())

    @property
    def counted_cells(self) -> int:
        """Cells that decide the verdict: all that were compared and are not exempt."""
        return self.total("cells") - self.total("exempt")

    @property
    def reasons(self) -> list[str]:
        """Why the stores are not equal; empty if they are."""
        counts = {
            "missing rows": self.total("missing"),
            "extra rows": self.total("extra"),
            "rows with a repeated key": self.total("duplicated"),
            "different cells": self.total("different"),
        }
        found = [f"{what}: {number:,}" for what, number in counts.items() if number]
        absent = self.tables.filter(~pl.col("in_actual")).get_column("table").to_list()
        found += [f"no table {name} in the actual store" for name in absent]
        off = self.total("off_by_one")
        if not few_off_by_one(off, self.counted_cells):
            cells = f"{self.counted_cells:,}"
            found.append(f"{off:,} of {cells} cells off by one, not under 1 in {OFF_BY_ONE_IN:,}")
        return found

    @property
    def verdict(self) -> Verdict:
        """`equal`, or `different` for any of `reasons`."""
        return "different" if self.reasons else "equal"

    @property
    def equal(self) -> bool:
        """Whether the verdict is `equal`."""
        return self.verdict == "equal"
