"""Errors of a page that cannot be made."""

from __future__ import annotations

from importlib.util import find_spec

from engine.core.errors import EngineError
from engine.core.store_url import safe_url

LIBRARIES = ("altair", "vl_convert", "scipy")
"""Packages of the extra `report`."""


class MissingExtraError(EngineError, ImportError):
    """A package that draws charts is not installed."""

    def __init__(self, library: str) -> None:
        self.library = library
        super().__init__(
            f"reports need {library}, which is not installed",
            "Add it: bin/setup report, or python -m pip install 'columnar-portfolio-engine[report]'",
        )


class NothingStoredError(EngineError, LookupError):
    """A page about sessions that were not computed."""

    def __init__(self, url: str, whose: str, days: str) -> None:
        self.url = safe_url(url)
        super().__init__(
            f"store {self.url} has no snapshot of {whose}{days}",
            "`engine backfill --from URL` computes them",
        )


class NoRunError(EngineError, LookupError):
    """A page about a run of a store that has none."""

    def __init__(self, url: str) -> None:
        self.url = safe_url(url)
        super().__init__(
            f"store {self.url} has no run",
            "`engine backfill --from URL` or `engine daily --from URL` makes one",
        )


def require_extra() -> None:
    """Raise a MissingExtraError unless every package of the extra `report` is installed."""
    for library in LIBRARIES:
        if find_spec(library) is None:
            raise MissingExtraError(library)
