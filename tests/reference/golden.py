"""The golden tables: inputs and outputs of real runs of the legacy batch."""

import warnings
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import exchange_calendars
import polars as pl

from .prices import Row

#: golden/README: the date on which every golden run was made.
RUN_DATE = date(2026, 11, 23)

#: Tables that `daily.run` reads. `portfolio_snapshots` is missing in `inputs`
#: where there was none before the run.
INPUT_TABLES = (
    "portfolios",
    "positions",
    "market_data_cache",
    "position_realized_events",
    "equity_changes",
    "portfolio_snapshots",
)


def golden_dir(name: str) -> Path:
    """Folder of a golden set, `tests/golden/<name>`."""
    return Path(__file__).resolve().parents[1] / "golden" / name


def read_rows(path: Path) -> list[Row]:
    """All rows of a parquet file; none where there is no file."""
    return pl.read_parquet(path).to_dicts() if path.exists() else []


def read_world(folder: Path) -> dict[str, list[Row]]:
    """Tables of a golden set as they were before the run."""
    inputs = folder / "inputs"
    return {table: read_rows(inputs / f"{table}.parquet") for table in INPUT_TABLES}


def read_output(folder: Path, table: str) -> list[Row]:
    """One table of a golden set as the run left it."""
    return read_rows(folder / "outputs" / f"{table}.parquet")


@lru_cache
def nyse_sessions(start: date, end: date) -> tuple[date, ...]:
    """NYSE sessions in [start, end], ascending (2.4)."""
    margin = timedelta(days=7)  # a calendar of a single day is an error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # exchange_calendars 4.13 under pandas 3.1
        calendar = exchange_calendars.get_calendar("XNYS", start=start - margin, end=end + margin)
    days = (session.date() for session in calendar.sessions)
    return tuple(day for day in days if start <= day <= end)
