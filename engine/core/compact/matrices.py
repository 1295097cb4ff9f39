"""Pack the rows of pairwise_correlations: one row for each matrix."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.core.compact.packing import PackError
from engine.core.compact.tables import CORRELATION_MATRICES, NAN
from engine.core.frames import polars_schema
from engine.core.sort_keys import enumerated, sorted_by_key
from engine.numerics.arrays import Bools, Ints

TABLE = "pairwise_correlations"
MATRIX = "correlation_calculation_id"
KEY = (MATRIX, "symbol_1", "symbol_2")
MILLION = 1e6


def pack_pairs(rows: pl.DataFrame, slots: Mapping[str, int]) -> pl.DataFrame:
    """Return rows of engine_correlation_matrices.

    Rows that come matrix by matrix and row by row are taken as they are; others are sorted.

    Args:
        rows: All columns of pairwise_correlations but the id; every pair of each matrix, both ways and with
            itself.
        slots: Not used: a matrix has no factors.

    Returns:
        One row for each matrix.

    Raises:
        PackError: A matrix lacks a pair, or has one twice.
    """
    del slots
    if rows.is_empty():
        return pl.DataFrame(schema=polars_schema(CORRELATION_MATRICES))
    rows = rows.with_columns(enumerated(rows[name]) for name in KEY if rows.schema[name] == pl.String)
    start, side, whole = _matrices(rows)
    if not whole.all():
        rows = sorted_by_key(rows, KEY)
        start, side, whole = _matrices(rows)
    if not whole.all():
        name = rows[MATRIX][int(start[np.flatnonzero(~whole)[0]])]
        raise PackError(TABLE, f"{MATRIX} {name}", "not every pair of its symbols has one row")
    figures = [_millionths(rows, name) for name in ("correlation_value", "statistical_significance")]
    matrix = np.repeat(np.arange(start.size, dtype=np.uint32), side * side)
    columns = [
        rows[MATRIX].gather(start).cast(pl.String),
        _symbols(rows["symbol_2"], start, side),
        _lists(figures[0], matrix).alias("correlations"),
        _points(rows["data_points"], matrix, start),
        _lists(figures[1], matrix).alias("significances"),
    ]
    return pl.DataFrame(columns).cast(polars_schema(CORRELATION_MATRICES))  # type: ignore[arg-type]


def _matrices(rows: pl.DataFrame) -> tuple[Ints, Ints, Bools]:
    """Return where each run of rows of one matrix starts, and whether it is a whole matrix, row by row.

    Args:
        rows: [N] with a key of enumerations.

    Returns:
        start [M]; side [M], the number of symbols of whole matrices; whole [M].
    """
    matrix, one, other = (rows[name].to_physical().to_numpy() for name in KEY)
    start = np.append(0, np.flatnonzero(matrix[1:] != matrix[:-1]) + 1)
    size = np.diff(start, append=matrix.size)
    side = np.sqrt(size).round().astype(np.int64)
    number = matrix[start].astype(np.int64)
    whole = (side * side == size) & (np.bincount(number)[number] == 1)
    # Matrices of one size that follow each other are looked at together: a portfolio's mostly do.
    ends = np.append(np.flatnonzero(size[1:] != size[:-1]) + 1, size.size)
    for first, end in zip(np.append(0, ends[:-1]).tolist(), ends.tolist(), strict=True):
        if whole[first]:
            n, cells = int(side[first]), slice(start[first], start[first] + (end - first) * size[first])
            whole[first:end] &= _whole(one[cells].reshape(-1, n, n), other[cells].reshape(-1, n, n))
    return start, side, whole


def _whole(one: NDArray[np.unsignedinteger], other: NDArray[np.unsignedinteger]) -> Bools:
    """Return which matrices have the same distinct symbols as rows and as columns.

    Args:
        one: [M, n, n] number of each row's symbol.
        other: [M, n, n] of each column's.
    """
    symbols = other[:, 0, :]
    rows = (one == symbols[:, :, None]).all(axis=(1, 2))
    columns = (other == symbols[:, None, :]).all(axis=(1, 2))
    ordered = np.sort(symbols, axis=1)
    return np.asarray(rows & columns & (ordered[:, 1:] != ordered[:, :-1]).all(axis=1))


def _symbols(columns: pl.Series, start: Ints, side: Ints) -> pl.Series:
    """Return the symbols of each matrix as a list: those of its first row's columns."""
    matrix = np.repeat(np.arange(start.size, dtype=np.uint32), side)
    place = np.arange(matrix.size) - np.repeat(np.cumsum(side) - side, side)
    return _lists(columns.gather(start[matrix] + place), matrix).alias("symbols")


def _points(points: pl.Series, matrix: NDArray[np.uint32], start: Ints) -> pl.Series:
    """Return the data points of each matrix as a list, of one value if all its pairs have the same."""
    values = points.to_numpy()
    alike = np.minimum.reduceat(values, start) == np.maximum.reduceat(values, start)
    single = points.gather(start).reshape((-1, 1)).arr.to_list()
    return single if alike.all() else single.zip_with(pl.Series(alike), _lists(points, matrix))


def _lists(values: pl.Series, matrix: NDArray[np.uint32]) -> pl.Series:
    """Return the values of each matrix as a list.

    Args:
        values: [N].
        matrix: [N] ascending numbers.
    """
    frame = pl.DataFrame([pl.Series("matrix", matrix).set_sorted(), values.alias("values")])
    return frame.group_by("matrix", maintain_order=True).agg("values")["values"]


def _millionths(rows: pl.DataFrame, name: str) -> pl.Series:
    """Return figures of 6 decimals as whole numbers, NaN as `NAN`; a null stays null.

    Raises:
        PackError: A figure is not between -2 and 2.
    """
    units = (rows[name].cast(pl.Float64) * MILLION).round()
    if (wide := units.abs().fill_nan(0.0) >= NAN).any():
        key = rows.filter(wide)[0]
        raise PackError(
            TABLE, ", ".join(f"{part} {key[part].item()}" for part in KEY), f"{name} is 2 or more"
        )
    return units.fill_nan(NAN).cast(pl.Int32)
