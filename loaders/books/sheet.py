"""A table of texts: what a CSV, Parquet or Excel file or a frame holds before its columns are known."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from engine.core.documents import DocumentError, read_bytes
from engine.core.errors import UsageError
from loaders.books.refusals import BookError

DELIMITERS = (",", ";", "\t", "|")
LONGEST_CELL = 1_000_000
"""Characters; beyond it a file is no table."""
LARGEST_MIB = 256
"""Some 5 million trades as CSV; a larger file would take many times its size in memory."""
PARQUET, EXCEL = b"PAR1", (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""First bytes of files that are no text."""
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

Row = list[str]


@dataclass(frozen=True)
class Sheet:
    """Rows of cells with their lines.

    Attributes:
        source: Name of the file, or of the argument that held a frame.
        rows: Cells as texts.
        lines: Line of the file where each row begins, counted from 1.
        delimiter: What separates the cells in the file; a comma for all that is no text file.
    """

    source: str
    rows: Sequence[Row]
    lines: Sequence[int]
    delimiter: str = ","

    def place(self, index: int) -> str:
        """Return where a row is, in words.

        Args:
            index: Of the row in `rows`, from 0.
        """
        return f"{self.source}, line {self.lines[index]}"


def read_file(path: str | Path) -> Sheet:
    """Read a CSV, Parquet or Excel file.

    Args:
        path: The file; what it is shows in its first bytes.

    Returns:
        Its cells; of an Excel file those of the first sheet.

    Raises:
        UsageError: There is no such file, or it is too large.
        BookError: The file is empty or damaged.
    """
    file = Path(path)
    try:
        content = read_bytes(file, LARGEST_MIB)
    except (OSError, DocumentError) as error:
        raise UsageError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not content.strip():
        raise BookError(f"{file.name} is empty")
    if content.startswith(PARQUET):
        return of_frame(_parquet(content, file.name), file.name)
    if content.startswith(EXCEL):
        return _excel(content, file.name)
    return _csv(_decoded(content, file.name), file.name)


def _parquet(content: bytes, source: str) -> pl.DataFrame:
    try:
        return pl.read_parquet(io.BytesIO(content))
    except pl.exceptions.PolarsError as error:
        raise BookError(f"{source} is no Parquet file that can be read: {error}") from error


def of_frame(frame: object, source: str) -> Sheet:
    """Return the cells of a Polars or pandas frame, or of a dictionary of columns, with a header row.

    A `BookError` is raised for anything else.

    Args:
        frame: Any of them; of a pandas frame the index comes along if it has a name or holds dates.
        source: What to call it in messages.
    """
    table = _polars(frame, source)
    header = list(table.columns)
    cells = table.select(pl.all().cast(pl.String, strict=False).fill_null("")) if header else table
    return Sheet(source, [header, *map(list, cells.iter_rows())], range(table.height + 1))


def _polars(frame: object, source: str) -> pl.DataFrame:
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if isinstance(frame, pl.DataFrame):
        return frame
    if isinstance(frame, Mapping):
        return pl.DataFrame(dict(frame), strict=False)
    if hasattr(frame, "reset_index") and hasattr(frame, "columns"):
        return _of_pandas(frame)
    kinds = "a Polars or pandas frame, or a dictionary of columns"
    raise BookError(f"{source} is of type {type(frame).__name__}", hint=f"Give {kinds}")


def _of_pandas(frame: Any) -> pl.DataFrame:
    # Frames of yfinance have columns of two levels, (field, symbol); their names are joined by a line feed.
    flat = frame.reset_index() if frame.index.name or frame.index.inferred_type.startswith("date") else frame
    names = [
        "\n".join(str(part) for part in name if str(part)) if isinstance(name, tuple) else str(name)
        for name in flat.columns
    ]
    columns = (flat.iloc[:, number] for number in range(len(names)))
    return pl.DataFrame(
        [_of_pandas_column(name, column) for name, column in zip(names, columns, strict=True)]
    )


def _of_pandas_column(name: str, column: Any) -> pl.Series:
    values = pl.Series(name, column.array.tolist() if column.dtype == object else column, strict=False)
    return values.fill_nan(None) if values.dtype.is_float() else values


def _decoded(content: bytes, name: str) -> str:
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    if b"\0" in content:
        raise BookError(f"{name} is no text: it holds bytes of 0", hint="Give CSV, Parquet or Excel")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        _check_not_mixed(content, name, error)
        return content.decode("cp1252", errors="replace")


def _check_not_mixed(content: bytes, name: str, error: UnicodeDecodeError) -> None:
    """Raise an error where some lines are UTF-8 and others are Windows-1252: one of them would be garbled."""
    if not content[: error.start].isascii():
        line = content[: error.start].count(b"\n") + 1
        reason = f"the byte 0x{content[error.start]:02x} is not UTF-8, as the lines before are"
        raise BookError(f"{name}, line {line}: {reason}", hint="Save the file in one encoding")
    rest = content[error.start :].split(b"\n")
    for number, text in enumerate(rest, start=content[: error.start].count(b"\n") + 1):
        if not text.isascii() and _is_utf8(text):
            reason = "is UTF-8, and lines before are not"
            raise BookError(f"{name}, line {number} {reason}", hint="Save the file in one encoding")


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _csv(text: str, name: str) -> Sheet:
    delimiter = _delimiter(text)
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows, lines, begins = [], [], 1
    try:
        for row in reader:
            rows.append(row)
            lines.append(begins)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise BookError(f"{name}, line {begins}: {error}") from error
    return Sheet(name, rows, lines, delimiter)


def _delimiter(text: str) -> str:
    """Return the delimiter that gives the widest row among the first lines; a comma in a tie."""
    first = text[:20_000].splitlines()[:30]

    def widest(delimiter: str) -> int:
        return max((len(row) for row in csv.reader(first, delimiter=delimiter)), default=0)

    return max(DELIMITERS, key=widest)


def _excel(content: bytes, name: str) -> Sheet:
    try:
        import fastexcel
    except ImportError as error:
        hint = "Install it with `bin/setup import`, or save the sheet as CSV"
        raise UsageError(f"{name}: reading Excel needs the package fastexcel", hint) from error
    try:
        book = fastexcel.read_excel(content)
        sheet = book.load_sheet(0, header_row=None, dtypes="string")
    except fastexcel.FastExcelError as error:
        raise BookError(f"{name} is no Excel file that can be read: {error}") from error
    cells = sheet.to_polars().fill_null("")
    rows = [list(row) for row in cells.iter_rows()]
    return Sheet(name, rows, range(1, len(rows) + 1))
