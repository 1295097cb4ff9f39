"""Frames as the text that Postgres' COPY reads."""

from __future__ import annotations

import polars as pl


def csv_text(batch: pl.DataFrame) -> str:
    """Return rows as COPY reads them.

    Text is always quoted: unquoted, an empty text would be null and a carriage return would end the row.

    Args:
        batch: Rows without lists: see `with_array_texts`.
    """
    return batch.write_csv(include_header=False, quote_style="non_numeric")


def with_array_texts(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame whose lists are texts of Postgres' arrays.

    Args:
        frame: Lists are of texts or whole numbers.
    """
    lists = {name: kind.inner for name, kind in frame.schema.items() if isinstance(kind, pl.List)}
    return frame.with_columns(_array_text(name, kind == pl.String) for name, kind in lists.items())


def _array_text(name: str, quoted: bool) -> pl.Expr:
    element = pl.element().cast(pl.String)
    if quoted:
        escaped = element.str.replace_all("\\", "\\\\", literal=True).str.replace_all(
            '"', '\\"', literal=True
        )
        element = pl.concat_str(pl.lit('"'), escaped, pl.lit('"'))
    items = pl.col(name).list.eval(element.fill_null("NULL")).list.join(",")
    return pl.concat_str(pl.lit("{"), items, pl.lit("}")).alias(name)
