"""A target of an earlier schema version: what a run says of it, and what it leaves out."""

from __future__ import annotations

from dataclasses import replace

from engine.batch.steps import Job, made
from engine.core.errors import MissingTableError
from engine.core.schema import TABLES
from engine.core.schema.evolution import gaps_of_a_run, note_gaps
from engine.core.schema.kinds import FIRST_VERSION
from loaders.earlier_results import EarlierResults


def allow_for_gaps(job: Job, past: EarlierResults) -> None:
    """Note what the target lacks; take tables out of the request that the run may not make there.

    Raises:
        MissingTableError: one of these is of the first schema version: later runs start from its rows.
    """
    results, request = past.results, job.request
    if results is None:
        return
    job.report.schema_gaps = gaps_of_a_run(results.columns)
    job.report.schema_note = note_gaps(job.report.schema_gaps, request.target, job.told)
    missing = [name for name in made(request) if name not in results.columns]
    if not missing or request.dry_run or results.may_create:
        return
    for name in missing:
        if TABLES[name].since == FIRST_VERSION:
            raise MissingTableError(request.target, name)
    job.request = replace(request, wanted=request.wanted - set(missing))
