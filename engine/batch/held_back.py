"""Record sessions that are held back in analytics_status, so that every reader sees why they are missing."""

from __future__ import annotations

import polars as pl

from engine.batch.steps import RunState
from engine.core.schema import TABLES
from engine.core.store_url import StoreURL
from engine.core.stored_rows import stored_rows
from engine.pipeline.status import held_status
from loaders.open import is_new, open_reader
from writers import open_writer

STATUS = TABLES["analytics_status"]


def record_held_back(state: RunState) -> None:
    """Write a row for each job of the sessions that are held back; computing them replaces it."""
    held, request = state.decided.held_back, state.request
    if not (request.in_place or held.is_empty()):
        held = held.join(_stored_portfolios(request.target), on="portfolio_id", how="semi")
    if held.is_empty():
        return
    rows = stored_rows(STATUS, held_status(held), state.now)
    with open_writer(request.target, request.batch_rows) as writer, writer.transaction():
        writer.create_missing([STATUS.name])
        writer.merge(STATUS, rows)


def _stored_portfolios(target: StoreURL) -> pl.DataFrame:
    """Return portfolio_id of the portfolios that a separate target has: a status refers to them."""
    if is_new(target):
        return pl.DataFrame(schema={"portfolio_id": pl.String})
    with open_reader(target) as results:
        return results.read("portfolios", ["id"]).rename({"id": "portfolio_id"})
