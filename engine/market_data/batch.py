"""Batches: findings go into the store in transactions, so that a kill costs a few seconds' work."""

from __future__ import annotations

import time
from collections.abc import Iterator

import polars as pl

from engine.core.frames import polars_schema
from engine.core.schema import TABLES
from engine.core.stored_form import store_rows
from engine.market_data.findings import Finding
from engine.market_data.order import Order
from writers import Writer, open_writer
from writers.retry import patiently

SHARE = 0.1
"""Of the time, what committing may take: a Parquet folder writes its files whole each time."""
KEPT = {
    "market_data_cache": ("id", "created_at", "sector", "industry", "exchange", "country", "market_cap"),
}
"""The columns that a stored row keeps when its prices change."""
MADE = (
    "market_data_cache",
    "engine_raw_closes",
    "engine_price_actions",
    "engine_price_gaps",
    "engine_price_series",
    "engine_collections",
)


class Batch:
    """Findings on their way into a store."""

    def __init__(self, order: Order, source: str) -> None:
        self._order = order
        self._source = source
        self._waiting: list[Finding] = []
        self._height = 0
        self._not_before = 0.0
        self.rows: dict[str, int] = {}

    def add(self, finding: Finding) -> None:
        """Take a finding in; commit when there are enough."""
        self._waiting.append(finding)
        self._height += max(1, finding.rows.height)
        if self._height >= self._order.batch_rows and time.monotonic() >= self._not_before:
            self.flush()

    def flush(self) -> None:
        """Commit what is waiting."""
        if not self._waiting:
            return
        began = time.monotonic()
        patiently(self._commit, self._order.told.note)
        self._not_before = time.monotonic() + (time.monotonic() - began) / SHARE
        self._waiting, self._height = [], 0

    def _commit(self) -> None:
        counted = {}
        with open_writer(self._order.url, self._order.batch_rows) as writer, writer.transaction():
            writer.create_missing(MADE)
            for name, rows in self._tables():
                writer.merge(TABLES[name], rows, KEPT.get(name, ()))
                counted[name] = rows.height
            self._remove(writer, "engine_price_gaps", "filled")
            self._remove(writer, "engine_price_actions", "gone")
        for name, height in counted.items():
            self.rows[name] = self.rows.get(name, 0) + height

    def _tables(self) -> Iterator[tuple[str, pl.DataFrame]]:
        """What is waiting, as rows of tables."""
        order = self._order
        bars = pl.concat(found.rows for found in self._waiting)
        whole = bars.with_columns(data_source=pl.lit(self._source), fetched_at=pl.lit(order.now))
        raw = whole.drop_nulls("raw_close")
        actions = self._joined("actions").with_columns(fetched_at=pl.lit(order.now))
        gaps = self._joined("gaps").with_columns(asked_at=pl.lit(order.now))
        for name, rows in (
            ("market_data_cache", whole),
            ("engine_raw_closes", raw),
            ("engine_price_actions", actions),
            ("engine_price_gaps", gaps),
        ):
            if rows.height:
                yield name, store_rows(TABLES[name], rows, order.now)
        series = TABLES["engine_price_series"]
        yield (
            series.name,
            pl.DataFrame(
                [found.series for found in self._waiting], schema=polars_schema(series), orient="row"
            ),
        )

    def _joined(self, part: str) -> pl.DataFrame:
        """One part of all findings, with their symbols."""
        frames = [
            getattr(found, part).with_columns(symbol=pl.lit(found.symbol))
            for found in self._waiting
            if getattr(found, part).height
        ]
        return pl.concat(frames) if frames else pl.DataFrame()

    def _remove(self, writer: Writer, table: str, part: str) -> None:
        keys = self._joined(part)
        if keys.height:
            writer.remove(TABLES[table], keys.select(TABLES[table].key))
