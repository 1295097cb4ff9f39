"""Check of a store for an alarm: what an operator has to look into."""

from __future__ import annotations

import polars as pl

from engine.batch.runs import Runs, runs
from loaders import open_reader


def new_failures(status: pl.DataFrame) -> pl.DataFrame:
    """Return the jobs that failed in a portfolio's newest session and not in the session before.

    A job that cannot have figures, such as the beta of private assets alone, fails every night.

    Args:
        status: portfolio_id, calculation_date, job, status, reason.

    Returns:
        The rows of the newest sessions.
    """
    day = pl.col("calculation_date")
    ranked = status.with_columns(age=day.rank("dense", descending=True).over("portfolio_id"))
    failed = ranked.filter(pl.col("status") == "failed")
    before = failed.filter(age=2).select("portfolio_id", "job")
    return failed.filter(age=1).join(before, on=["portfolio_id", "job"], how="anti").drop("age")


def problems_of_last_run(ledger: Runs) -> list[str]:
    """Return what is wrong with the newest run: it was cut off, or refused portfolios.

    Args:
        ledger: of the store.
    """
    if ledger.runs.is_empty():
        return ["no run is recorded"]
    last = ledger.runs.row(0, named=True)
    refused = ledger.shards.filter(run_id=last["id"])["left_out"].sum()
    problems = []
    if last["status"] == "running" and not ledger.holder:
        problems.append(f"the run {last['id'][:8]} of {last['started_at']:%Y-%m-%d %H:%M} UTC was cut off")
    if refused:
        problems.append(f"the run {last['id'][:8]} refused {refused} portfolios")
    return problems


def problems_since_last_run(url: str) -> list[str]:
    """Return a line for each problem of the last run and each job that has failed since; none if all is well.

    Args:
        url: the store.
    """
    with open_reader(url) as reader:
        columns = ["portfolio_id", "calculation_date", "job", "status", "reason"]
        status = reader.read("analytics_status", columns)
    failed = new_failures(status).group_by("job", "reason").agg(portfolios=pl.len()).sort("job", "reason")
    return [
        *problems_of_last_run(runs(url)),
        *(f"{job} failed for {count} portfolios: {reason}" for job, reason, count in failed.iter_rows()),
    ]
