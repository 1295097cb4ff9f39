"""Every table that the engine reads or writes: names, types, keys and units.

The DDL of both databases, the validation of inputs and results, the column lists of bulk loads,
`engine schema` and docs/schema.md are derived from it. Column names are those of the legacy
database. Source: documents 01 to 05 of the legacy description.
"""

from engine.core.schema.bookkeeping import BOOKKEEPING
from engine.core.schema.collection import COLLECTION
from engine.core.schema.figures import FIGURES, TARGET_PRICES
from engine.core.schema.holdings import HOLDINGS
from engine.core.schema.kinds import SCHEMA_VERSION, Column, ForeignKey, Role, Table, Type
from engine.core.schema.market import MARKET
from engine.core.schema.own_figures import OWN_FIGURES

TABLES: dict[str, Table] = {
    table.name: table for table in (*HOLDINGS, *MARKET, *FIGURES, *OWN_FIGURES, *BOOKKEEPING, *COLLECTION)
}
"""All tables by name, parents before children."""

__all__ = ["SCHEMA_VERSION", "TABLES", "TARGET_PRICES", "Column", "ForeignKey", "Role", "Table", "Type"]
