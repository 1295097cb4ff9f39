"""The check of a store: jobs that have begun to fail."""

from __future__ import annotations

from datetime import date

import polars as pl

from engine.batch.store_check import new_failures

MON, TUE, WED = date(2025, 3, 3), date(2025, 3, 4), date(2025, 3, 5)


def test_only_failures_that_the_session_before_did_not_have_are_new() -> None:
    rows = [
        ("P", MON, "stress", "ok"),
        ("P", TUE, "stress", "failed"),
        ("P", MON, "market_beta", "failed"),
        ("P", TUE, "market_beta", "failed"),
        ("P", TUE, "sector", "skipped"),
        # Q ends on another day, and its stress has failed before.
        ("Q", TUE, "stress", "failed"),
        ("Q", WED, "stress", "failed"),
        ("Q", WED, "pnl", "failed"),
    ]
    schema = ["portfolio_id", "calculation_date", "job", "status"]
    status = pl.DataFrame(rows, schema=schema, orient="row").with_columns(reason=pl.lit("r"))
    found = new_failures(status).select("portfolio_id", "job").sort("portfolio_id").rows()
    assert found == [("P", "stress"), ("Q", "pnl")]
