"""Packed tables: a row for each matrix, each position and session, each portfolio and session."""

from __future__ import annotations

from engine.core.schema.kinds import (
    BIGINT,
    DATE,
    INTEGER,
    UUID,
    Column,
    ForeignKey,
    Table,
    array,
    stamp,
    stamps,
    varchar,
)

NAN = 2_000_000
"""Stands for NaN among the millionths of a matrix, which are at most 1,000,000 either way. It is so small
that DuckDB packs a figure into 22 bits."""
SLOTS = "millionths of a ratio, by slot; null: no row"

FACTOR_SLOTS = Table(
    name="engine_factor_slots",
    role="engine",
    comment="The place of each factor in the lists of exposures. A slot is never given to another factor.",
    columns=(Column("slot", INTEGER, unit="place, from 1"), Column("factor_id", UUID)),
    key=("slot",),
    primary_key="slot",
    unique={"uq_engine_factor_slots_factor": ("factor_id",)},
    since="2",
    legacy=False,
)

CORRELATION_MATRICES = Table(
    name="engine_correlation_matrices",
    role="output",
    comment="One row for each correlation matrix, row by row: behind the view pairwise_correlations.",
    jobs=("correlations",),
    columns=(
        Column("correlation_calculation_id", UUID),
        Column("symbols", array(varchar(20)), unit="of the rows and of the columns"),
        Column("correlations", array(INTEGER), unit=f"millionths; {NAN} is NaN"),
        Column("data_points", array(INTEGER), unit="returns; one value if all pairs have the same"),
        Column("significances", array(INTEGER), unit=f"millionths; {NAN} is NaN"),
    ),
    key=("correlation_calculation_id",),
    owner="correlation_calculation_id",
    primary_key="",
    foreign_keys=(
        ForeignKey(
            "fk_engine_correlation_matrices_calculation",
            "correlation_calculation_id",
            "correlation_calculations",
        ),
    ),
    since="2",
    legacy=False,
)

POSITION_EXPOSURES = Table(
    name="engine_position_exposures",
    role="output",
    comment="One row for each position and session: behind the view position_factor_exposures.",
    jobs=("spread_factors", "ridge_factors"),
    columns=(
        Column("position_id", UUID),
        Column("calculation_date", DATE),
        Column("exposures", array(INTEGER), unit=SLOTS),
        Column("quality_flags", array(varchar(20)), unit="by slot; one value if all are the same"),
        stamp("created_at"),
    ),
    key=("position_id", "calculation_date"),
    date="calculation_date",
    owner="position_id",
    primary_key="",
    indexes={"ix_engine_position_exposures_date": ("calculation_date",)},
    foreign_keys=(ForeignKey("fk_engine_position_exposures_position", "position_id", "positions"),),
    since="2",
    legacy=False,
)

PORTFOLIO_EXPOSURES = Table(
    name="engine_portfolio_exposures",
    role="output",
    comment="One row for each portfolio and session: behind the view factor_exposures.",
    jobs=("market_beta", "provider_beta", "rate_beta", "spread_factors", "ridge_factors"),
    columns=(
        Column("portfolio_id", UUID),
        Column("calculation_date", DATE),
        Column("exposures", array(BIGINT), unit=SLOTS),
        Column("dollars", array(BIGINT), unit="cents, by slot"),
        *stamps(),
    ),
    key=("portfolio_id", "calculation_date"),
    date="calculation_date",
    owner="portfolio_id",
    primary_key="",
    indexes={"ix_engine_portfolio_exposures_date": ("calculation_date",)},
    foreign_keys=(ForeignKey("fk_engine_portfolio_exposures_portfolio", "portfolio_id", "portfolios"),),
    since="2",
    legacy=False,
)

PACKED = {
    table.name: table
    for table in (FACTOR_SLOTS, CORRELATION_MATRICES, POSITION_EXPOSURES, PORTFOLIO_EXPOSURES)
}
"""Tables that only a compact store has, by name."""
