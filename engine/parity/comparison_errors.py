"""Errors of a comparison that cannot be carried out. They exit with 2; `different` exits with 1."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core.errors import EngineError
from engine.core.store_url import StoreURL, safe_url


class CannotCompareError(EngineError, ValueError):
    """The expected store lacks the tables to compare."""

    def __init__(self, url: str | StoreURL, tables: Sequence[str] = ()) -> None:
        self.url, self.tables = safe_url(url), tuple(tables)
        wanted = f"table {', '.join(tables)}" if tables else "output or state table"
        super().__init__(f"nothing to compare with: store {self.url} has no {wanted}")


class ExemptionError(EngineError, ValueError):
    """A declared exemption that is malformed or names something that does not exist."""

    def __init__(self, where: str, problem: str) -> None:
        self.where, self.problem = where, problem
        super().__init__(f"exemption {where}: {problem}")
