"""Tables handed from one library to another by their Arrow stream."""

from __future__ import annotations

from typing import Any


class ArrowStream:
    """A table that shows nothing but its Arrow stream.

    DuckDB would import pyarrow for a Polars frame, and Polars would keep DuckDB's own types.
    """

    def __init__(self, table: Any) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        return self._table.__arrow_c_stream__(requested_schema)
