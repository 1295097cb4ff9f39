"""Factor definitions: looked up by name; a run creates or renames the ones that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import polars as pl

from engine.analytics.betas import market as market_beta
from engine.analytics.betas import provider as provider_beta
from engine.analytics.betas import rate as rate_beta
from engine.core.frames import polars_schema
from engine.core.funds import SPREAD_FUNDS, STYLE_FUNDS
from engine.core.row_ids import row_ids
from engine.core.schema import TABLES
from engine.core.stored_rows import raised_stamp

DEFINITIONS = TABLES["factor_definitions"]
FORMER_MARKET = "Market Beta"
RENAMED = {
    "display_order": 1,
    "description": "90-day OLS regression beta vs S&P 500 (portfolio-level)",
}
CREATED: dict[str, dict[str, object]] = {
    provider_beta.FACTOR: {"factor_type": "style", "display_order": 0, "is_active": True},
    rate_beta.FACTOR: {"factor_type": "macro", "display_order": 2, "is_active": True},
}
"""Columns of a definition that a run creates; the others are null (document 02 §4)."""

JOB_FACTORS = (
    (market_beta.FACTOR, FORMER_MARKET),
    (provider_beta.FACTOR,),
    (rate_beta.FACTOR,),
    tuple(SPREAD_FUNDS),
    tuple(STYLE_FUNDS),
)
"""The factors of each job, in the order in which the jobs write a session's exposures."""


class FactorIds(NamedTuple):
    """The ids under which exposures are stored.

    Attributes:
        market: of Market Beta (90D), else of the one still called Market Beta, else None.
        provider, rate: of Provider Beta (1Y) and IR Beta, existing or to be created.
        active: by name, of the active definitions: the styles and spreads that can be stored.
    """

    market: str | None
    provider: str
    rate: str
    active: Mapping[str, str]


def factor_ids(definitions: pl.DataFrame) -> FactorIds:
    """Look up the definitions by name; the three betas whatever their active flag.

    Source: document 02 §4.1 to §4.4, §5.

    Args:
        definitions: id, name, is_active.

    Returns:
        The ids under which exposures are stored.
    """
    stored = _by_name(definitions)
    created = dict(zip(CREATED, row_ids(DEFINITIONS.name, pl.Series("name", list(CREATED))), strict=True))
    return FactorIds(
        market=stored.get(market_beta.FACTOR, stored.get(FORMER_MARKET)),
        provider=stored.get(provider_beta.FACTOR, created[provider_beta.FACTOR]),
        rate=stored.get(rate_beta.FACTOR, created[rate_beta.FACTOR]),
        active=_by_name(definitions.filter("is_active")),
    )


def updated_definitions(definitions: pl.DataFrame, exposures: pl.DataFrame, stamp: datetime) -> pl.DataFrame:
    """Return the whole table as the run leaves it, sorted by name.

    A definition is created, or Market Beta renamed, if the job that needs it succeeded for any portfolio and
    session: then an exposure has its id. Otherwise it stays as it is.

    Args:
        definitions: the whole table before the run.
        exposures: rows of factor_exposures of the run.
        stamp: created_at and updated_at of changed rows.
    """
    ids, stored = factor_ids(definitions), _by_name(definitions)
    used = set(exposures["factor_id"].unique())
    if market_beta.FACTOR not in stored and ids.market in used:
        definitions = _renamed(definitions, stamp)
    wanted = {provider_beta.FACTOR: ids.provider, rate_beta.FACTOR: ids.rate}
    created = [
        {"id": number, "name": name, **CREATED[name], "created_at": stamp, "updated_at": stamp}
        for name, number in wanted.items()
        if name not in stored and number in used
    ]
    # Typed by the schema: without a created definition the frame would have no types.
    fresh = pl.DataFrame(created, schema=polars_schema(DEFINITIONS))
    return pl.concat([definitions.select(DEFINITIONS.names), fresh]).sort("name")


def written_order(definitions: pl.DataFrame) -> pl.DataFrame:
    """Return factor_id and name of the definitions in the order in which a session's exposures are written.

    Job by job; within a job by id, because the legacy batch wrote them in no order of its own; then those
    that no job writes.

    Args:
        definitions: id and name.
    """
    place = {name: job for job, names in enumerate(JOB_FACTORS) for name in names}
    job = pl.col("name").replace_strict(place, default=len(JOB_FACTORS), return_dtype=pl.Int64)
    return definitions.sort(job, "id").select(factor_id="id", name="name")


def _renamed(definitions: pl.DataFrame, stamp: datetime) -> pl.DataFrame:
    """Rename Market Beta to Market Beta (90D)."""
    changes = {"name": market_beta.FACTOR, **RENAMED}
    former = pl.col("name") == FORMER_MARKET
    values = (
        pl.when(former).then(pl.lit(value, definitions.schema[name])).otherwise(pl.col(name)).alias(name)
        for name, value in changes.items()
    )
    return definitions.with_columns(*values, raised_stamp(former, stamp))


def _by_name(definitions: pl.DataFrame) -> dict[str, str]:
    """Return the ids by name."""
    return dict(zip(definitions["name"], definitions["id"], strict=True))
