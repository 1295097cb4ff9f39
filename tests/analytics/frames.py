"""Frames that are compared as if they were stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from engine.parity import Comparison, compare, load_exemptions

from .regressions import GOLDEN


@dataclass(frozen=True)
class Frames:
    """A store of frames."""

    frames: Mapping[str, pl.DataFrame]
    url: str

    @property
    def columns(self) -> dict[str, list[str]]:
        return {table: frame.columns for table, frame in self.frames.items()}

    def tables(self) -> set[str]:
        return set(self.frames)

    def read(self, table: str) -> pl.DataFrame:
        return self.frames[table]


def against_golden(name: str, ours: Mapping[str, pl.DataFrame], exempting: bool = True) -> Comparison:
    """Our tables compared with a golden set's, outside its exempt cells or inside them too."""
    folder = GOLDEN / name
    golden = {table: pl.read_parquet(folder / "outputs" / f"{table}.parquet") for table in ours}
    declared = folder / "exempt.json"
    exempt = load_exemptions(declared) if exempting and declared.exists() else ()
    exemptions = [exemption for exemption in exempt if exemption.table in ours]
    return compare(Frames(golden, "golden"), Frames(ours, "engine"), exemptions=exemptions)
