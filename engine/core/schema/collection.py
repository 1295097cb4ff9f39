"""Tables of the price collection: raw prices, corporate actions, gaps and their reasons."""

from engine.core.schema.kinds import (
    DATE,
    INTEGER,
    TEXT,
    TIMESTAMP,
    UUID,
    Column,
    Table,
    numeric,
    row_id,
    varchar,
)

EXACT_PRICE = numeric(18, 8)

ENGINE_RAW_CLOSES = Table(
    name="engine_raw_closes",
    role="engine",
    legacy=False,
    comment="Closes that market_data_cache has no column for: before dividends, and with more decimals.",
    columns=(
        row_id(),
        Column("symbol", varchar(20)),
        Column("date", DATE),
        Column("raw_close", EXACT_PRICE, unit="currency a share, adjusted for splits only"),
        Column("adjusted_close", EXACT_PRICE, unit="currency a share, adjusted for dividends too"),
        Column("fetched_at", TIMESTAMP, compared=False),
    ),
    key=("symbol", "date"),
    date="date",
    unique={"uq_engine_raw_closes": ("symbol", "date")},
)

ENGINE_PRICE_ACTIONS = Table(
    name="engine_price_actions",
    role="engine",
    legacy=False,
    comment="Dividends, splits and distributed gains, as the provider reports them.",
    columns=(
        row_id(),
        Column("symbol", varchar(20)),
        Column("date", DATE),
        Column("kind", varchar(10), unit="dividend, split or gain"),
        Column("value", EXACT_PRICE, unit="currency a share; of a split, new shares for an old one"),
        Column("fetched_at", TIMESTAMP, compared=False),
    ),
    key=("symbol", "date", "kind"),
    date="date",
    unique={"uq_engine_price_actions": ("symbol", "date", "kind")},
)

ENGINE_PRICE_GAPS = Table(
    name="engine_price_gaps",
    role="engine",
    legacy=False,
    comment="Sessions for which the provider was asked and returned no usable bar.",
    columns=(
        row_id(),
        Column("symbol", varchar(20)),
        Column("date", DATE),
        Column("reason", TEXT),
        Column("tries", INTEGER, unit="times"),
        Column("retry_on", DATE, unit="no request before this day"),
        Column("asked_at", TIMESTAMP, compared=False),
    ),
    key=("symbol", "date"),
    date="date",
    unique={"uq_engine_price_gaps": ("symbol", "date")},
)

ENGINE_PRICE_SERIES = Table(
    name="engine_price_series",
    role="engine",
    legacy=False,
    comment="Each symbol's price series, and the outcome of the last request for it.",
    columns=(
        Column("symbol", varchar(20)),
        Column("exchange", varchar(20), "not reported"),
        Column("currency", varchar(10), "not reported"),
        Column("listed", DATE, "not reported: sessions are due from the first requested"),
        Column(
            "outcome",
            varchar(12),
            unit="ok, empty, not_found, renamed, inconsistent, throttled, timeout or error",
        ),
        Column("detail", TEXT, "ok"),
        Column("failures", INTEGER, unit="consecutive failures that are not transient"),
        Column("retry_on", DATE, "at once"),
        Column("asked_at", TIMESTAMP, compared=False),
    ),
    key=("symbol",),
    primary_key="symbol",
)

ENGINE_COLLECTIONS = Table(
    name="engine_collections",
    role="engine",
    legacy=False,
    comment="One row for each completed collection.",
    columns=(
        Column("id", UUID, compared=False),
        Column("kind", varchar(20), unit="prices, profiles or fundamentals"),
        Column("target", DATE, unit="newest session wanted"),
        Column("symbols", INTEGER, unit="symbols"),
        Column("asked", INTEGER, unit="symbols"),
        Column("brought", INTEGER, unit="symbols"),
        Column("coverage", numeric(7, 6), unit="fraction"),
        Column("started_at", TIMESTAMP, compared=False),
        Column("finished_at", TIMESTAMP, compared=False),
    ),
    key=("id",),
)

COLLECTION = (
    ENGINE_RAW_CLOSES,
    ENGINE_PRICE_ACTIONS,
    ENGINE_PRICE_GAPS,
    ENGINE_PRICE_SERIES,
    ENGINE_COLLECTIONS,
)
