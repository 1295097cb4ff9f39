"""Questions of users in SQL: one statement that reads, and its answer in plain types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl
import polars.selectors as cs

from engine.core.errors import EngineError, ReadError
from engine.core.store_url import StoreURL, safe_url

if TYPE_CHECKING:
    from loaders.reader import Reader

COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
READING = re.compile(r"[\s(]*(select|with|values|from)\b", re.IGNORECASE)
"""Start of a statement that reads. COPY writes files even in a transaction that only reads."""
ID_BYTES = 16


class QuestionError(EngineError, ValueError):
    """A statement that is none to read with."""

    def __init__(self, url: StoreURL, why: str) -> None:
        self.url = safe_url(url)
        super().__init__(f"store {self.url} is only read: {why}", "Ask by one SELECT")


def ask(reader: Reader, question: str) -> pl.DataFrame:
    """Return the answer of a store to one SELECT.

    Args:
        reader: of the store.
        question: the statement; the tables have their own names.

    Returns:
        Numbers as Float64, ids as text.

    Raises:
        QuestionError: the statement is no SELECT, or more than one.
        ReadError: it fails, or a column has a type that a frame cannot hold.
    """
    bare = COMMENTS.sub(" ", question).strip()
    if not READING.match(bare):
        first = bare.split(maxsplit=1)[0] if bare else "nothing"
        raise QuestionError(reader.url, f"a statement that begins with {first}")
    try:
        return plain_types(reader.answer(question))
    except pl.exceptions.PanicException as error:
        reason = "a column has a type that a frame cannot hold, such as an interval: cast it to text"
        raise ReadError(reader.url, reason) from error


def plain_types(rows: pl.DataFrame) -> pl.DataFrame:
    """Return an answer with numbers as Float64 and ids as text, whichever kind of store gave it.

    Args:
        rows: as the driver gives them; Postgres' has numbers as texts of an extension type, ids as 16 bytes.
    """
    stored = pl.DataFrame([_stored(column) for column in rows.iter_columns()])
    plain = stored.with_columns(cs.decimal().cast(pl.Float64))
    return plain.with_columns(_id(name) for name in plain.columns if _holds_ids(plain[name]))


def _stored(column: pl.Series) -> pl.Series:
    """Return a column of an extension type as what it is stored as, numbers as numbers."""
    if not isinstance(column.dtype, pl.BaseExtension):
        return column
    inside = column.ext.storage()
    return inside.cast(pl.Float64) if "numeric" in str(column.dtype.ext_metadata()) else inside


def _holds_ids(column: pl.Series) -> bool:
    return column.dtype == pl.Binary and bool((column.drop_nulls().bin.size() == ID_BYTES).all())


def _id(name: str) -> pl.Expr:
    """Return bytes as the text of an id, with hyphens."""
    digits = pl.col(name).bin.encode("hex")
    parts = ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))
    return pl.concat_str((digits.str.slice(*part) for part in parts), separator="-").alias(name)
