"""Structure of a run's stores: what the source must have, and what an older target may lack."""

from __future__ import annotations

from engine.batch.run_writes import tables_to_create
from engine.batch.steps import RunState
from engine.core.errors import MissingTableError
from engine.core.schema import TABLES
from engine.core.schema.evolution import gaps_of_a_run, warn_of_gaps
from engine.core.schema.kinds import FIRST_VERSION
from loaders.earlier_results import EarlierResults
from loaders.structure import optional_note, require_structure


def allow_for_gaps(state: RunState, past: EarlierResults) -> None:
    """Check the source; warn of what the stores lack; leave out the tables that the run may not create.

    Args:
        state: Its report and its request are changed.
        past: The stores of the run.

    Raises:
        MissingTableError: A table of the first schema version is missing and may not be created. Later
            runs start from its rows, so that it cannot be left out.
    """
    results, request = past.results, state.request
    require_structure(past.source, past.in_place)
    if note := optional_note(past.source):
        state.progress.warn("structure", note)
    if results is None:
        return
    state.report.schema_gaps = gaps_of_a_run(results.columns)
    state.report.schema_note = warn_of_gaps(state.report.schema_gaps, request.target, state.progress)
    missing = [name for name in tables_to_create(request) if name not in results.columns]
    if not missing or request.dry_run or results.may_create:
        return
    for name in missing:
        if TABLES[name].since == FIRST_VERSION:
            raise MissingTableError(request.target, name, may_make=True)
    state.request = request._replace(wanted=request.wanted - set(missing))
