"""A hook of the site: the pages of the jobs are listed below the calculations, in the jobs' order."""

from __future__ import annotations

from typing import Any

from engine.core.job_catalog import JOBS

INDEX = "calculations/index.md"


def on_config(config: Any) -> Any:
    """Return the configuration with the jobs' pages behind the index of the calculations.

    Args:
        config: MkDocs' own, changed in place.
    """
    for section in config.nav:
        for pages in section.values():
            if INDEX in pages:
                place = pages.index(INDEX) + 1
                pages[place:place] = [job.page for job in JOBS.values()]
    return config
