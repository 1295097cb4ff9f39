"""Runs into a target of an earlier schema version: the warning, and the tables that are left out."""

from __future__ import annotations

from dataclasses import replace

from engine.batch.steps import Job, made
from engine.core.errors import MissingTableError
from engine.core.schema import TABLES
from engine.core.schema.evolution import gaps_of_a_run, warn_of_gaps
from engine.core.schema.kinds import FIRST_VERSION
from loaders.earlier_results import EarlierResults


def allow_for_gaps(job: Job, past: EarlierResults) -> None:
    """Warn of what the target lacks; take out of the request the tables that the run may not create there.

    Args:
        job: Its report and its request are changed.
        past: The stores of the run.

    Raises:
        MissingTableError: A table of the first schema version is missing and may not be created. Later
            runs start from its rows, so that it cannot be left out.
    """
    results, request = past.results, job.request
    if results is None:
        return
    job.report.schema_gaps = gaps_of_a_run(results.columns)
    job.report.schema_note = warn_of_gaps(job.report.schema_gaps, request.target, job.told)
    missing = [name for name in made(request) if name not in results.columns]
    if not missing or request.dry_run or results.may_create:
        return
    for name in missing:
        if TABLES[name].since == FIRST_VERSION:
            raise MissingTableError(request.target, name)
    job.request = replace(request, wanted=request.wanted - set(missing))
