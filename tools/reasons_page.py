"""docs/reference/reasons.md, made from the job catalog: `python -m tools.reasons_page`."""

from __future__ import annotations

from pathlib import Path

from engine.core.consistency import RULES, ConsistencyRule
from engine.core.job_catalog import JOBS, AnalyticsJob
from engine.core.schema import TABLES

PAGE = Path(__file__).parents[1] / "docs/reference/reasons.md"
HEAD = """\
# Status reasons

Made by `python -m tools.reasons_page` from `engine/core/job_catalog.py`; do not edit.

`analytics_status` has one row for each portfolio, session and job. Its `status` is `ok`, `partial` (there is
a figure, but not from all that it needs), `held_back` (not computed yet, because closes may still come),
`skipped` (there was nothing to compute) or `failed` (a figure was due and could not be computed). A row that
is not `ok` has one of the reasons below, or says in words which
[closes are missing](../operations.md#closes-that-are-missing). [Find out why a figure is
absent](../how-to/absent.md) shows how to ask.

## The jobs

In the order in which they run. A look-back is in calendar days, both ends included; a job without one reads
the session alone. The minimum is in returns; the job's page says what is stored below it. Which
columns a job fills in a table that it shares is in [The tables](../schema.md).

`coverage` is the value of the lots that entered the figure over that of the lots that it is about: of
quoted lots in `pnl`, of all lots in `snapshot`, of those that are ever marked in `market_values`, of open
lots that are not private in `market_beta`, of public stocks and lots without a class in the other betas and
factors (in `rate_beta` and `stress` of any type), of open lots in `sector`, of those with a quoted symbol
in `volatility`, of those that pass the filter in `correlations`. A lot counts with its absolute market
value, else with quantity x (last price, else entry price). A figure whose coverage is below the floor is
`partial`, `low_coverage`; a session that a run found to have too few closes has a sentence instead that
names the lots.

| job | on pages | fills | look-back | minimum | floor |
|---|---|---|---|---|---|
"""
REASONS = """
## The reasons

Where several reasons of a job hold, the first in this table is stored.

| job | status | reason | meaning |
|---|---|---|---|
"""
TAIL = """
## Inconsistent rows

A row may keep the rule of each column and still contradict itself. A run names each such row, with what to
do, on stdout and in `run_results.json`. Deleted lots are not checked, and the last four rules check open lots
only.

Under legacy rules (`inconsistent_rows=computed`) the portfolio is computed from the row, as the legacy batch
did. Under corrected rules (`refused`) a portfolio with a row that breaks a *grave* rule, which makes P&L and
values wrong, is left out with that reason; the other rules only warn.

| code | table | columns | grave | wrong | what to do |
|---|---|---|---|---|---|
{rules}
## A portfolio that was left out

If a portfolio is left out of a run, or of a session, every job of its sessions is `failed`, and the reason is
a sentence instead of a code. It is one of these:

* `portfolios.equity_balance is null`;
* a rule that a row broke, with table and column, as `positions.quantity is null`;
* a grave rule across columns that a row broke, under corrected rules;
* a figure that its column cannot hold, as `daily_return does not fit numeric(8,6)`: this fails the session of
  the figure, not those before and after it.

The run names the row and the value, on stdout and in `run_results.json`.
"""


def markdown() -> str:
    """Return the page."""
    jobs = "".join(_job(job) for job in JOBS.values())
    reasons = "".join(f"| `{job.name}` {row}\n" for job in JOBS.values() for row in reason_rows(job))
    rules = "".join(_rule(rule) for rule in RULES)
    return f"{HEAD}{jobs}{REASONS}{reasons}{TAIL.format(rules=rules)}"


def _rule(rule: ConsistencyRule) -> str:
    columns = ", ".join(f"`{name}`" for name in rule.columns)
    grave = "yes" if rule.grave else ""
    return f"| `{rule.code}` | `{rule.table}` | {columns} | {grave} | {rule.fault} | {rule.cure} |\n"


def reason_rows(job: AnalyticsJob) -> list[str]:
    """Return the rows of a job's table of reasons: status, code, meaning."""
    return [f"| {reason.status} | `{reason.code}` | {reason.meaning} |" for reason in job.reasons]


def _job(job: AnalyticsJob) -> str:
    of_run_date = " from the run date" if job.from_run_date else ""
    look_back = f"{job.look_back} days{of_run_date}" if job.look_back else ""
    minimum = str(job.minimum or "")
    floor = f"{job.floor:.0%}" if job.floor else ""
    page = f"[`{job.name}`](../{job.page})"
    return f"| {page} | {job.label} | {', '.join(_filled(job))} | {look_back} | {minimum} | {floor} |\n"


def _filled(job: AnalyticsJob) -> list[str]:
    """Return links to the tables whose rows or columns a job fills."""
    tables = [*job.tables, *(table for table in TABLES if job.columns(table))]
    return [f"[`{table}`](../schema.md#{table})" for table in tables]


if __name__ == "__main__":
    PAGE.write_text(markdown(), encoding="utf-8")
