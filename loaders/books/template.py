"""Example files that `import` reads, to fill in."""

from __future__ import annotations

import os
from pathlib import Path

from engine.core.errors import UsageError

TEMPLATES = {
    "positions.csv": (
        "Symbol,Quantity,Side,Avg Price,Trade Date,Price,Exit Price,Exit Date\n"
        "MSFT,120,Long,401.25,2025-02-03,,,\n"
        "XOM,50,Short,108.40,2025-02-10,,,\n"
        "AAPL251219C00250000,2,Long,12.40,2025-02-14,13.05,,\n"
        "JNJ,30,Long,155.10,2025-02-03,,163.80,2025-06-16\n"
        "Cash,25000.00,,,,,,\n"
    ),
    "prices.csv": (
        "Date,MSFT,XOM,JNJ,SPY,TLT\n"
        "2025-02-03,410.92,107.30,152.85,597.77,88.20\n"
        "2025-02-04,412.37,109.66,152.50,601.78,88.50\n"
    ),
    "flows.csv": "Date,Amount,Note\n2025-03-03,5000.00,deposit\n2025-05-01,-1200.00,withdrawal\n",
    "trades.csv": (
        "Date,Action,Symbol,Quantity,Price,Amount,Fee\n"
        "2025-02-03,Deposit,,,,50000.00,\n"
        "2025-02-03,Buy,MSFT,120,401.25,,1.00\n"
        "2025-03-13,Dividend,MSFT,,,99.60,\n"
        "2025-04-01,Sell,MSFT,20,382.19,,1.00\n"
    ),
}
"""Text of each file; figures are invented."""


def write_template(folder: str) -> list[str]:
    """Write the example files into a folder.

    Args:
        folder: Path; it is made if it does not exist.

    Returns:
        Their paths.

    Raises:
        UsageError: A file is there already, or the folder cannot be written.
    """
    place = Path(folder)
    paths = [place / name for name in TEMPLATES]
    there = next((path for path in paths if os.path.lexists(path)), None)
    if there:
        raise UsageError(f"{there} exists already; nothing was written")
    try:
        place.mkdir(parents=True, exist_ok=True)
        for path in paths:
            path.write_text(TEMPLATES[path.name], encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{place} cannot be written: {error.strerror}") from error
    return [str(path) for path in paths]
