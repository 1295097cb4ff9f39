"""Speed of rolling regressions in several libraries: python -m tests.benchmarks.rolling_regressions

2000 series, 500 windows of 84 returns, one thread for each method. Slow methods are timed on a sample;
the table compares rates. "slope off by" is the largest absolute difference from our slope (or
coefficients) in the cells that the method computed.
"""

from __future__ import annotations

import os

# Libraries size their thread pools when they are imported, so this comes first.
# ruff: noqa: E402
for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "POLARS_MAX_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_variable] = "1"

import importlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.numerics.coefficients import rolling_ridge
from engine.numerics.ols import aligned_returns, rolling_ols

Floats = NDArray[np.float64]
T = TypeVar("T")

SERIES, WINDOWS, LENGTH, FACTORS = 2000, 500, 84, 6
ROWS = WINDOWS + LENGTH - 1
PENALTY = 1.0
REPEATS = 3
"""The fastest one counts: on a shared machine the others measure other processes."""

SAMPLED_FITS = 300
SAMPLED_SERIES = 20
ALL_SIX = "slope, intercept, R2, error, p, n"


@dataclass(frozen=True)
class Panel:
    """Returns: y [ROWS,SERIES], x [ROWS,FACTORS]; window d is the rows d to d + LENGTH - 1."""

    y: Floats
    x: Floats


@dataclass(frozen=True)
class Measure:
    """The time of a method, and its coefficients [windows, factors, series], if all were computed."""

    method: str
    regressors: int
    statistics: str
    fits: int
    seconds: float
    figures: Floats | None = None

    @property
    def rate(self) -> float:
        """Fits per second."""
        return self.fits / self.seconds


def make_panel() -> Panel:
    rng = np.random.default_rng(0)
    x = rng.normal(0.0004, 0.01, (ROWS, 1)) * 0.7 + rng.normal(0.0, 0.007, (ROWS, FACTORS))
    y = x[:, :1] * rng.normal(1.0, 0.4, SERIES) + rng.normal(0.0, 0.015, (ROWS, SERIES))
    return Panel(y, x)


def timed(work: Callable[[], T], repeats: int = REPEATS) -> tuple[float, T]:
    best, result = np.inf, work()
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    return best, result


def closes_of(returns: Floats) -> Floats:
    grown = np.vstack([np.ones((1, returns.shape[1])), 1.0 + returns])
    return np.asarray(100.0 * np.cumprod(grown, axis=0), dtype=np.float64)


def our_ols(panel: Panel) -> Iterator[Measure]:
    y_close, x_close = closes_of(panel.y), closes_of(panel.x[:, :1])
    stop = np.arange(LENGTH + 1, ROWS + 2)
    first = stop - LENGTH - 1
    for name, missing in (("", 0.0), (", 0.1 % of closes missing", 0.001), (", 2 % missing", 0.02)):
        closes = y_close.copy()
        closes[np.random.default_rng(1).random(closes.shape) < missing] = np.nan
        returns = aligned_returns(closes, x_close[:, 0])
        seconds, fit = timed(lambda returns=returns: rolling_ols(returns, first, stop, 30))  # type: ignore[misc]
        figures = fit.slope[:, None] if missing == 0.0 else None
        yield Measure(f"engine rolling_ols{name}", 1, ALL_SIX, WINDOWS * SERIES, seconds, figures)


def our_ridge(panel: Panel) -> Iterator[Measure]:
    stop = np.arange(LENGTH, ROWS + 1)
    work = lambda: rolling_ridge(panel.x, panel.y, stop - LENGTH, stop, PENALTY)  # noqa: E731
    seconds, figures = timed(work)
    yield Measure("engine rolling_ridge", FACTORS, "6 coefficients", WINDOWS * SERIES, seconds, figures)


def sampled_cells() -> list[tuple[int, int]]:
    rng = np.random.default_rng(2)
    return list(
        zip(rng.integers(0, WINDOWS, SAMPLED_FITS), rng.integers(0, SERIES, SAMPLED_FITS), strict=True)
    )


def one_by_one(panel: Panel, fit: Callable[[Floats, Floats], Floats]) -> tuple[float, Floats]:
    """Time `fit` on sampled cells; figures [WINDOWS,k,SERIES] are NaN elsewhere."""
    cells = sampled_cells()
    work = lambda: [fit(panel.x[d : d + LENGTH], panel.y[d : d + LENGTH, s]) for d, s in cells]  # noqa: E731
    seconds, results = timed(work, 1)
    figures = np.full((WINDOWS, len(results[0]), SERIES), np.nan)
    for (d, s), result in zip(cells, results, strict=True):
        figures[d, :, s] = result
    return seconds, figures


def statsmodels_ols(panel: Panel) -> Iterator[Measure]:
    import statsmodels.api as sm

    def fit(x: Floats, y: Floats) -> Floats:
        result = sm.OLS(y, sm.add_constant(x[:, :1])).fit()
        _ = result.bse, result.pvalues, result.rsquared
        return np.asarray(result.params[1:])

    seconds, figures = one_by_one(panel, fit)
    yield Measure("statsmodels OLS, a fit per window", 1, ALL_SIX, SAMPLED_FITS, seconds, figures)


def sklearn_ridge(panel: Panel) -> Iterator[Measure]:
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    def fit(x: Floats, y: Floats) -> Floats:
        scaler = StandardScaler()
        return np.asarray(Ridge(alpha=PENALTY).fit(scaler.fit_transform(x), y).coef_ / scaler.scale_)

    seconds, figures = one_by_one(panel, fit)
    yield Measure(
        "scikit-learn Ridge, a fit per window", FACTORS, "6 coefficients", SAMPLED_FITS, seconds, figures
    )


def statsmodels_rolling(panel: Panel) -> Iterator[Measure]:
    import statsmodels.api as sm
    from statsmodels.regression.rolling import RollingOLS

    design = sm.add_constant(panel.x[:, :1])

    def fit(column: int) -> Floats:
        result = RollingOLS(panel.y[:, column], design, window=LENGTH).fit()
        _ = result.bse, result.pvalues, result.rsquared
        return np.asarray(result.params[LENGTH - 1 :, 1:])

    work = lambda: np.stack([fit(column) for column in range(SAMPLED_SERIES)], axis=2)  # noqa: E731
    seconds, figures = timed(work, 1)
    yield Measure("statsmodels RollingOLS", 1, ALL_SIX, WINDOWS * SAMPLED_SERIES, seconds, figures)


def pandas_moments(panel: Panel) -> Iterator[Measure]:
    import pandas as pd

    y, x = pd.DataFrame(panel.y), pd.Series(panel.x[:, 0])
    work = lambda: y.rolling(LENGTH).cov(x).div(x.rolling(LENGTH).var(), axis=0)  # noqa: E731
    seconds, slopes = timed(work, 1)
    figures = slopes.to_numpy()[LENGTH - 1 :, None]
    yield Measure("pandas rolling cov / var", 1, "slope only", WINDOWS * SERIES, seconds, figures)


def polars_moments(panel: Panel) -> Iterator[Measure]:
    import polars as pl

    frame, names = polars_frame(panel)
    variance = pl.col("x0").rolling_var(LENGTH)
    slopes = [(pl.rolling_cov(n, "x0", window_size=LENGTH) / variance).alias(n) for n in names]
    seconds, result = timed(lambda: frame.select(slopes))
    figures = result.to_numpy()[LENGTH - 1 :, None]
    yield Measure("Polars rolling_cov / rolling_var", 1, "slope only", WINDOWS * SERIES, seconds, figures)


def polars_ols(panel: Panel) -> Iterator[Measure]:
    import polars as pl

    importlib.import_module("polars_ols")
    frame, names = polars_frame(panel)
    for k in (1, FACTORS):
        regressors = [pl.col(f"x{i}") for i in range(k)]
        work = [
            pl.col(n)
            .least_squares.rolling_ols(  # type: ignore[attr-defined]
                *regressors, window_size=LENGTH, add_intercept=True, mode="coefficients"
            )
            .alias(n)
            for n in names
        ]
        seconds, result = timed(lambda work=work: frame.select(work), 1)  # type: ignore[misc]
        figures = np.stack([result[n].struct.unnest().to_numpy()[LENGTH - 1 :, :k] for n in names], axis=2)
        yield Measure(
            "polars-ols rolling_ols",
            k,
            f"{k + 1} coefficients only" + ("" if k == 1 else ", no penalty"),
            WINDOWS * SERIES,
            seconds,
            figures if k == 1 else None,
        )


def polars_ds(panel: Panel) -> Iterator[Measure]:
    pds = importlib.import_module("polars_ds")
    frame, names = polars_frame(panel)
    for k in (1, FACTORS):
        regressors = [f"x{i}" for i in range(k)]
        work = [
            pds.rolling_lin_reg(*regressors, target=n, window_size=LENGTH, add_bias=True).alias(n)
            for n in names
        ]
        seconds, result = timed(lambda work=work: frame.select(work), 1)  # type: ignore[misc]
        slopes = [result[n].struct.fields[0] for n in names[:1]]
        lists = [result[n].struct.field(slopes[0])[LENGTH - 1 :] for n in names[:SAMPLED_SERIES]]
        figures = np.stack([np.array(column.to_list())[:, :k] for column in lists], axis=2)
        yield Measure(
            "polars-ds rolling_lin_reg",
            k,
            f"{k + 1} coefficients only" + ("" if k == 1 else ", no penalty"),
            WINDOWS * SERIES,
            seconds,
            figures if k == 1 else None,
        )


def numbagg_moments(panel: Panel) -> Iterator[Measure]:
    numbagg = importlib.import_module("numbagg")
    y, x = np.ascontiguousarray(panel.y.T), panel.x[:, 0].copy()
    every = np.ascontiguousarray(np.broadcast_to(x, y.shape))
    work = lambda: numbagg.move_cov(y, every, window=LENGTH) / numbagg.move_var(x, window=LENGTH)  # noqa: E731
    seconds, slopes = timed(work)
    figures = slopes.T[LENGTH - 1 :, None]
    yield Measure("numbagg move_cov / move_var", 1, "slope only", WINDOWS * SERIES, seconds, figures)


def polars_frame(panel: Panel):  # type: ignore[no-untyped-def]
    import polars as pl

    names = [f"y{s}" for s in range(SERIES)]
    columns = {f"x{i}": panel.x[:, i] for i in range(FACTORS)}
    return pl.DataFrame(columns | {n: panel.y[:, s] for s, n in enumerate(names)}), names


METHODS = (
    our_ols,
    our_ridge,
    numbagg_moments,
    polars_moments,
    polars_ols,
    polars_ds,
    pandas_moments,
    statsmodels_rolling,
    statsmodels_ols,
    sklearn_ridge,
)


def report(measures: list[Measure]) -> Iterator[str]:
    """Yield the lines of the table."""
    ours = {k: next(m for m in measures if m.regressors == k) for k in (1, FACTORS)}
    yield f"{'method':46}{'regressors':>11}{'fits/s':>13}{'ours/this':>11}{'slope off by':>14}  statistics"
    for m in sorted(measures, key=lambda m: (m.regressors, -m.rate)):
        own = ours[m.regressors]
        off = "-" if m is own else difference(m, own)
        ratio = own.rate / m.rate
        yield f"{m.method:46}{m.regressors:>11}{m.rate:>13,.0f}{ratio:>11,.2f}{off:>14}  {m.statistics}"


def difference(measure: Measure, own: Measure) -> str:
    if measure.figures is None or own.figures is None:
        return ""
    expected = own.figures[:, :, : measure.figures.shape[2]]
    return f"{np.nanmax(np.abs(measure.figures - expected)):.0e}"


def main() -> None:
    panel = make_panel()
    measures: list[Measure] = []
    for method in METHODS:
        try:
            measures.extend(method(panel))
        except ImportError as error:
            print(f"skipped {method.__name__}: {error}")
    print("\n".join(report(measures)))


if __name__ == "__main__":
    main()
