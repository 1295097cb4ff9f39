"""The parity harness: two stores compared table by table, row by row, cell by cell."""

from engine.parity.comparison import Comparison
from engine.parity.comparison_errors import CannotCompareError, ExemptionError
from engine.parity.exemptions import Exemption, load_exemptions
from engine.parity.harness import compare
from engine.parity.keys import TableReader
from engine.parity.tolerance import JSON_NUMBERS, OFF_BY_ONE_IN, Tolerance

__all__ = [
    "JSON_NUMBERS",
    "OFF_BY_ONE_IN",
    "CannotCompareError",
    "Comparison",
    "Exemption",
    "ExemptionError",
    "TableReader",
    "Tolerance",
    "compare",
    "load_exemptions",
]
