"""Write price updates in transactions of some seconds' work, so that a kill loses no more."""

from __future__ import annotations

import time
from collections.abc import Iterator

import polars as pl

from engine.core.frames import polars_schema
from engine.core.schema import TABLES
from engine.core.stored_rows import stored_rows
from engine.market_data.close_changes import CHANGED, STALE, ComputedSessions
from engine.market_data.price_updates import SymbolUpdate
from engine.market_data.task import CollectionTask
from writers import open_writer
from writers.retry import with_retries

COMMIT_SHARE = 0.1
"""Upper bound of the time spent in commits: a Parquet folder rewrites its files with each."""
KEPT_COLUMNS = {
    "market_data_cache": ("id", "created_at", "sector", "industry", "exchange", "country", "market_cap"),
}
"""Columns of a stored row that stay when its prices change."""
WRITTEN_TABLES = (
    "market_data_cache",
    "engine_raw_closes",
    "engine_price_actions",
    "engine_price_gaps",
    "engine_price_series",
    "engine_collections",
)


class PriceWriter:
    """Gathers the updates of many symbols and commits them together.

    Attributes:
        rows: rows written, by table.
        changes: symbol and columns of `close_changes.CHANGED`, of the closes written.
        stale: rows of engine_stale_sessions written.
    """

    def __init__(self, task: CollectionTask, source: str, computed: ComputedSessions | None = None) -> None:
        self._task = task
        self._source = source
        self._pending: list[SymbolUpdate] = []
        self._height = 0
        self._next_commit = 0.0
        self.rows: dict[str, int] = {}
        self.changes = pl.DataFrame(schema={"symbol": pl.String(), **CHANGED})
        self.stale = pl.DataFrame(schema=polars_schema(STALE))
        self._computed = computed

    def add(self, update: SymbolUpdate) -> None:
        """Add an update; commit if there are enough rows and the last commit is not too recent."""
        self._pending.append(update)
        self._height += max(1, update.rows.height)
        if self._height >= self._task.batch_rows and time.monotonic() >= self._next_commit:
            self.flush()

    def flush(self) -> None:
        """Commit the pending updates."""
        if not self._pending:
            return
        began = time.monotonic()
        with_retries(self._commit, self._task.progress.note)
        self._next_commit = time.monotonic() + (time.monotonic() - began) / COMMIT_SHARE
        self._pending, self._height = [], 0

    def _commit(self) -> None:
        counts = {}
        changes = self._changes()
        stale = self._computed.stale_rows(changes, self._task.now) if self._computed else self.stale.clear()
        # Closes, gaps and series belong together: a store never has the one without the others.
        with open_writer(self._task.url, self._task.batch_rows) as writer, writer.transaction():
            writer.create_missing(WRITTEN_TABLES)
            for name, rows in self._tables():
                writer.merge(TABLES[name], rows, KEPT_COLUMNS.get(name, ()))
                counts[name] = rows.height
            # In one transaction with the closes: after a kill nothing else would tell.
            if stale.height:
                writer.create_missing([STALE.name])
                writer.merge(STALE, stale)
            for name, part in (("engine_price_gaps", "filled"), ("engine_price_actions", "removed_actions")):
                keys = self._gathered(part)
                if keys.height:
                    writer.remove(TABLES[name], keys.select(TABLES[name].key))
        # Counted after the commit: a failed attempt is repeated.
        for name, height in counts.items():
            self.rows[name] = self.rows.get(name, 0) + height
        self.changes = pl.concat([self.changes, changes])
        if self._computed:
            self._computed.remember(stale)
            self.stale = pl.concat([self.stale, stale]).unique(
                "portfolio_id", keep="last", maintain_order=True
            )

    def _changes(self) -> pl.DataFrame:
        """Return the pending changes of closes, with their symbols."""
        parts = [one.changes.select(pl.lit(one.symbol).alias("symbol"), *CHANGED) for one in self._pending]
        return pl.concat([self.changes.clear(), *parts])

    def _tables(self) -> Iterator[tuple[str, pl.DataFrame]]:
        """Yield the pending updates as rows of tables."""
        now = self._task.now
        # The application takes the row with the newest updated_at as the current price: within one write the
        # stamp rises with the date, by a microsecond a day.
        day = pl.col("date").rank("dense").cast(pl.Int64)
        bars = pl.concat(update.rows for update in self._pending).with_columns(
            data_source=pl.lit(self._source),
            fetched_at=pl.lit(now),
            updated_at=pl.lit(now) + pl.duration(microseconds=day),
        )
        for name, rows in (
            ("market_data_cache", bars),
            ("engine_raw_closes", bars.drop_nulls("raw_close")),
            ("engine_price_actions", self._gathered("actions").with_columns(fetched_at=pl.lit(now))),
            ("engine_price_gaps", self._gathered("gaps").with_columns(asked_at=pl.lit(now))),
        ):
            if rows.height:
                yield name, stored_rows(TABLES[name], rows, now)
        schema = polars_schema(TABLES["engine_price_series"])
        series = [update.series for update in self._pending]
        yield "engine_price_series", pl.DataFrame(series, schema=schema, orient="row")

    def _gathered(self, part: str) -> pl.DataFrame:
        """Return one frame of all pending updates, with their symbols."""
        frames = [
            frame.with_columns(symbol=pl.lit(update.symbol))
            for update in self._pending
            if (frame := getattr(update, part)).height
        ]
        return pl.concat(frames) if frames else pl.DataFrame()
