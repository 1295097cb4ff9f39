"""The rows under a header as columns of texts, and their numbers and dates with what is wrong in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from loaders.books import numbers
from loaders.books.columns import Header, column_of, read_header
from loaders.books.dates import DateOrder, date_order, parse_date
from loaders.books.numbers import DecimalMark
from loaders.books.refusals import BookError, Refusal
from loaders.books.sheet import Sheet

MOST_PREAMBLE = 60
"""Rows before the header of a broker's export."""
QUOTED_FORMULA = re.compile(r'^="([^"]*)"$')
"""A formula that only quotes a text, to keep a spreadsheet from changing it: `="0700"`."""
US_DOLLARS = ("USD", "US$", "$", "USDOLLAR", "USDOLLARS", "DOLLAR", "DOLLARS")
"""Names of the US dollar, in upper case without spaces and points."""
NOT_USD = "is not in US dollars: convert the row, as the engine converts no currency"
FEWEST_OF_ANOTHER = 3
"""Known column names in one row that begin another section of a statement."""

Names = Mapping[str, Sequence[str]]


@dataclass
class Body:
    """Columns of texts by our names.

    Attributes:
        sheet: Where they come from.
        header: Which of its columns are which.
        header_index: Index of its row in the sheet.
        texts: One column of stripped texts for each column of the header; `line`, and `first`: the first
            cell that is not empty, of whatever column.
        decimal: What separates decimals in the numbers of the file.
        order: Of day and month in its dates; None if they need none.
        refusals: What is wrong so far; the readers of columns add to it.
        guesses: What was assumed, in words.
    """

    sheet: Sheet
    header: Header
    header_index: int
    texts: pl.DataFrame
    decimal: DecimalMark = "."
    order: DateOrder | None = None
    refusals: list[Refusal] = field(default_factory=list)
    guesses: list[str] = field(default_factory=list)

    def has(self, column: str) -> bool:
        """Return whether the file has a column."""
        return column in self.header.columns

    def text(self, column: str) -> pl.Series:
        """Return a column's texts, null where empty or where there is no such column.

        Args:
            column: One of the schema's names.
        """
        if not self.has(column):
            return pl.Series(column, [None] * self.texts.height, pl.String)
        return self.texts[column].replace("", None)

    def refuse(self, rows: pl.Series, reason: str, column: str = "") -> None:
        """Refuse rows.

        Args:
            rows: Whether each row is refused.
            reason: In words.
            column: Whose title and value stand before the reason.
        """
        texts = self.texts[column] if column and self.has(column) else self.texts["line"].cast(pl.String)
        wrong = rows.fill_null(False)
        for line, text in zip(self.texts["line"].filter(wrong), texts.filter(wrong), strict=True):
            value = f"column {self.title(column)}: '{text}' " if column and self.has(column) else ""
            self.refusals.append(Refusal(self.sheet.source, line, value + reason))

    def refuse_lines(self, reasons: Iterable[tuple[int, str]]) -> None:
        """Refuse rows by their lines, each with its reason.

        Args:
            reasons: Line, and the reason in words.
        """
        self.refusals += [Refusal(self.sheet.source, line, reason) for line, reason in reasons]

    @property
    def titles(self) -> dict[str, str]:
        """The file's own names of its columns: {ours: theirs}."""
        return {column: self.title(column) for column in self.header.columns}

    def title(self, column: str) -> str:
        """Return the file's own name of a column, in one line.

        Args:
            column: One of the schema's names that the file has.
        """
        return " ".join(self.sheet.rows[self.header_index][self.header.columns[column]].split())

    def number(self, column: str, *, unless: pl.Series | None = None) -> pl.Series:
        """Return a column's numbers (`numbers.EXACT`); texts that are none are refused.

        Args:
            column: Its name.
            unless: Rows whose texts do not count.
        """
        texts = numbers.cleaned(self.text(column))
        if unless is not None:
            texts = texts.zip_with(~unless, pl.Series([None], dtype=pl.String))
        formula = texts.str.starts_with("=").fill_null(False)
        foreign = texts.str.contains(numbers.FOREIGN).fill_null(False)
        good = numbers.is_number(texts, self.decimal)
        self.refuse(formula, "is a formula, not a number", column)
        self.refuse(foreign & ~formula, NOT_USD, column)
        self.refuse(~good.fill_null(True) & ~formula & ~foreign, "is no number", column)
        values = numbers.parsed(texts.zip_with(good.fill_null(False), texts.clear(1)), self.decimal)
        return values.alias(column)

    def refuse_other_currencies(self, *, unless: pl.Series | None = None) -> None:
        """Refuse rows whose column `currency` names another one than the US dollar.

        Args:
            unless: Rows that do not count.
        """
        words = self.text("currency").str.to_uppercase().str.replace_all(r"[\s.]", "")
        other = words.is_not_null() & ~words.is_in(US_DOLLARS)
        self.refuse(other if unless is None else other & ~unless, NOT_USD, "currency")

    def day(self, column: str, *, unless: pl.Series | None = None) -> pl.Series:
        """Return a column's dates; texts that are none are refused.

        Args:
            column: Of the schema's names.
            unless: [rows] rows whose text is taken as empty; default none.

        Returns:
            Date, null where there is no text or it was refused.
        """
        texts = self.text(column).replace(["--", "n/a", "N/A"], None)
        if unless is not None:
            texts = texts.zip_with(~unless, pl.Series([None], dtype=pl.String))
        known = {text: parse_date(text, self.order) for text in texts.drop_nulls().unique()}
        days = texts.replace_strict(known, return_dtype=pl.Date) if known else texts.cast(pl.Date)
        self.refuse(texts.is_not_null() & days.is_null(), "is no date", column)
        return days.alias(column)


def body(
    sheet: Sheet,
    names: Names,
    needed: Sequence[Sequence[str]],
    stated: Mapping[str, str],
    order: DateOrder | None,
    dates: Sequence[str],
    figures: Sequence[str],
) -> Body:
    """Find the header of a sheet and return the rows below it.

    Args:
        sheet: Cells.
        names: Synonyms of the columns.
        needed: Groups of columns; the header has one of each group.
        stated: {theirs: ours}.
        order: of day and month, None to detect it.
        dates: Columns that hold dates.
        figures: Columns that hold numbers.

    Returns:
        The rows. A `BookError` is raised if no row is such a header, or if it is not certain which form
        numbers or dates have.
    """
    at = _header_row(sheet, names, needed, stated)
    header = read_header(sheet.rows[at], names, stated, sheet.place(at))
    probe = next(header.columns[name] for name in (*figures, *dates) if name in header.columns)
    texts, refusals = _below(sheet, at, header, names, probe)
    result = Body(sheet, header, at, texts, refusals=refusals)
    result.decimal = decimal_mark(result, [name for name in figures if result.has(name)])
    result.order = order or day_order(result, [name for name in dates if result.has(name)])
    return result


def _header_row(
    sheet: Sheet, names: Names, needed: Sequence[Sequence[str]], stated: Mapping[str, str]
) -> int:
    for index, row in enumerate(sheet.rows[:MOST_PREAMBLE]):
        found = {match[0] for cell in row if (match := column_of(cell, names))}
        found |= {stated[cell.strip()] for cell in row if cell.strip() in stated}
        if all(found & set(group) for group in needed):
            return index
    wanted = ", ".join(" or ".join(group) for group in needed)
    first = next((row for row in sheet.rows if any(cell.strip() for cell in row)), [])
    shown = ", ".join(cell.strip() for cell in first if cell.strip())[:120]
    raise BookError(
        f"{sheet.source}: no line is a header with {wanted}; it begins with '{shown}'",
        hint="Name the columns: --map THEIRS=OURS",
    )


def _below(
    sheet: Sheet, at: int, header: Header, names: Names, probe: int
) -> tuple[pl.DataFrame, list[Refusal]]:
    """Return the cells of our columns up to the next header, and rows with too many cells.

    A row can be a header only where the cell at `probe`, a number or a date, begins with a letter: to look
    at every cell of a million rows would take most of the time.
    """
    width = len(sheet.rows[at])
    section = _section(sheet.rows[at])
    rows, lines, firsts, refusals = [], [], [], []
    places = list(header.columns.values())
    for index in range(at + 1, len(sheet.rows)):
        row = sheet.rows[index]
        if section is not None and not _in_section(row, section):
            continue
        if row[probe : probe + 1] and row[probe][:1].isalpha() and _is_header(row, names):
            break
        if len(row) > width and any(cell.strip() for cell in row[width:]):
            reason = f"{len(row)} cells under a header of {width}: quote the cells that hold a separator"
            refusals.append(Refusal(sheet.source, sheet.lines[index], reason))
            continue
        rows.append([cell(row[place]) if place < len(row) else "" for place in places])
        lines.append(sheet.lines[index])
        firsts.append(next((text for text in row if text.strip()), "").strip())
    texts = pl.DataFrame(rows, schema=dict.fromkeys(header.columns, pl.String), orient="row")
    texts = texts.with_columns(
        line=pl.Series(lines, dtype=pl.Int64), first=pl.Series(firsts, dtype=pl.String)
    )
    return texts, refusals


def _section(header: Sequence[str]) -> str | None:
    """Return the section of a statement of Interactive Brokers: `Open Positions,Header,...`."""
    return header[0].strip() if len(header) > 1 and header[1].strip() == "Header" else None


def _in_section(row: Sequence[str], section: str) -> bool:
    return len(row) > 1 and row[0].strip() == section and row[1].strip() == "Data"


def _is_header(row: Sequence[str], names: Names) -> bool:
    return sum(column_of(title, names) is not None for title in row if title.strip()) >= FEWEST_OF_ANOTHER


def cell(text: str) -> str:
    """Return a cell's text, without the formula that only quotes it.

    Args:
        text: As the file has it.
    """
    text = text.strip()
    quoted = QUOTED_FORMULA.match(text) if text[:1] == "=" else None
    return quoted[1] if quoted else text


def decimal_mark(rows: Body, figures: Sequence[str]) -> DecimalMark:
    """Return what separates decimals in the file: decided by all its numbers together.

    Args:
        rows: Of one file.
        figures: Columns that hold numbers.

    Raises:
        BookError: Two numbers contradict each other, or a mark may separate thousands or decimals.
    """
    texts = pl.concat([numbers.cleaned(rows.text(name)).rename("") for name in figures] or [pl.Series([""])])
    lines = pl.concat([rows.texts["line"]] * max(len(figures), 1))
    comma = texts.str.contains(numbers.COMMA_ONLY).fill_null(False)
    point = texts.str.contains(numbers.POINT_ONLY).fill_null(False)
    if comma.any() and point.any():
        first, second = (lines.filter(some)[0] for some in (comma, point))
        pair = f"'{texts.filter(comma)[0]}' (line {first}) and '{texts.filter(point)[0]}' (line {second})"
        raise BookError(f"{rows.sheet.source}: {pair} have different decimal marks", hint="Use one of them")
    either = texts.str.contains(numbers.EITHER).fill_null(False)
    if rows.sheet.delimiter == ";" and either.any() and not (comma.any() or point.any()):
        line, text = lines.filter(either)[0], texts.filter(either)[0]
        raise BookError(
            f"{rows.sheet.source}, line {line}: '{text}' may be thousands or a fraction",
            hint="Write it without a separator of thousands",
        )
    return "," if comma.any() else "."


def day_order(rows: Body, dates: Sequence[str]) -> DateOrder | None:
    """Return the order of day and month in the file: decided by all its dates together.

    Args:
        rows: Of one file; guesses are noted in it.
        dates: Columns that hold dates.

    Raises:
        BookError: It matters, and the dates do not show it.
    """
    texts = (
        pl.concat([rows.text(name).rename("") for name in dates]) if dates else pl.Series([], dtype=pl.String)
    )
    unique = texts.drop_nulls().unique().to_list()
    order, ambiguous = date_order(unique)
    if order:
        rows.guesses.append(f"dates are {'day/month' if order == 'dmy' else 'month/day'}/year")
    elif ambiguous:
        line, text = _first_ambiguous(rows, dates)
        raise BookError(
            f"{rows.sheet.source}, line {line}: '{text}' is month first or day first, "
            "and the dates of the file do not show which",
            hint="Say it: --date-order mdy or --date-order dmy",
        )
    return order


def _first_ambiguous(rows: Body, dates: Sequence[str]) -> tuple[int, str]:
    for name in dates:
        for line, text in zip(rows.texts["line"], rows.texts[name], strict=True):
            if date_order([text])[1]:
                return line, text
    return rows.sheet.lines[rows.header_index], ""
