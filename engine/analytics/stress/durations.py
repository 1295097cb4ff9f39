"""Durations of bond funds as of days: how much of its price a fund loses for each change of yield."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl

from engine.core.funds import RATE_FUND
from engine.numerics.arrays import Floats


def newest_durations(durations: pl.DataFrame, symbols: pl.Series, days: Sequence[date] | pl.Series) -> Floats:
    """Return the newest duration of each symbol up to each day, [N, D] years; NaN where there is none.

    Args:
        durations: symbol, asof_date, duration; sorted by both.
        symbols: N names, repeated ones too.
        days: D dates.
    """
    names, at = symbols.to_list(), np.array(days, dtype="datetime64[D]")
    found = np.full((len(names), len(at)), np.nan)
    wanted = durations.filter(pl.col("symbol").is_in(set(names) - {None}))
    holders, first = np.unique(wanted["symbol"].to_numpy(), return_index=True)
    asof, years = wanted["asof_date"].to_numpy(), wanted["duration"].to_numpy().astype(np.float64)
    parts = pairwise([*first, asof.size])
    for symbol, (start, stop) in zip(holders.tolist(), parts, strict=True):
        newest = np.searchsorted(asof[start:stop], at, side="right")
        # Number 0 stands for the days before the first row.
        found[[name == symbol for name in names]] = np.append(np.nan, years[start:stop])[newest]
    return found


def yield_sensitivities(
    beta: Floats, durations: pl.DataFrame, symbols: pl.Series, public: pl.Series, dates: pl.Series
) -> Floats:
    """Return what a lot gains for a change of yield, as a fraction of its value a unit: [N, D].

        -D_i of a fund with a duration of its own, else -beta_i D_TLT

    as the yield changes by -r_TLT / D_TLT with the return r_TLT of TLT. Source: Fabozzi, Fixed Income
    Analysis, on modified duration.

    Args:
        beta: [N, D] to the returns of TLT, NaN where there is none.
        durations: symbol, asof_date, duration; sorted by both.
        symbols: N of the lots.
        public: N, whether a lot is of class PUBLIC: others may have the symbol of a fund and not be one.
        dates: [D] sessions.
    """
    own = newest_durations(durations, symbols.zip_with(public, pl.Series([None], dtype=pl.String)), dates)
    long = newest_durations(durations, pl.Series([RATE_FUND]), dates)
    return np.where(np.isnan(own), -beta * long, -own)
