"""The compact layout: the largest tables packed, each behind a view of its legacy name.

`COMPACT` is the one place that knows how a legacy table is stored in a compact store: its packed table, how
rows are packed, and (in sql/compact) the view that gives the rows back. Readers read the views. A store is
compact if it has a packed table: its tables are the record.
"""

from engine.core.compact.packing import PackableFrames, PackError, heights_of, packable_rows
from engine.core.compact.registry import COMPACT, LAYOUTS, Layout, Packing, layout_of, packing_of
from engine.core.compact.tables import FACTOR_SLOTS, PACKED

__all__ = [
    "COMPACT",
    "FACTOR_SLOTS",
    "LAYOUTS",
    "PACKED",
    "Layout",
    "PackError",
    "PackableFrames",
    "Packing",
    "heights_of",
    "layout_of",
    "packable_rows",
    "packing_of",
]
