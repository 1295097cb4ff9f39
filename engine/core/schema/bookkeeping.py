"""The ledger: runs, their shards, and opening balances."""

from engine.core.schema.kinds import (
    BIGINT,
    BOOLEAN,
    DATE,
    INTEGER,
    TEXT,
    TIMESTAMP,
    UUID,
    Column,
    Table,
    numeric,
    varchar,
)

EARLIER_RUN = "a run of schema version 1"

ENGINE_RUNS = Table(
    name="engine_runs",
    role="engine",
    legacy=False,
    comment="One row for each run: its request, the process, and how it ended.",
    columns=(
        Column("id", UUID, compared=False),
        Column("request", varchar(64), unit="hash of the request"),
        Column("status", varchar(12), unit="running, done or failed"),
        Column("start_date", DATE),
        Column("end_date", DATE),
        Column("run_date", DATE),
        Column("sessions", INTEGER, unit="sessions"),
        Column("holder", varchar(255), unit="host and process"),
        Column("error", TEXT, "no error"),
        Column("started_at", TIMESTAMP, compared=False),
        Column("finished_at", TIMESTAMP, "still running, or killed", compared=False),
        *(
            Column(name, kind, EARLIER_RUN, unit, since="2", legacy=False)
            for name, kind, unit in (
                ("rules", TEXT, "as --rules takes them"),
                ("engine_version", varchar(20), ""),
                ("schema_version", varchar(8), ""),
                ("threshold", numeric(5, 4), "fraction of value that closes had to cover"),
                ("allow_stale", BOOLEAN, ""),
                ("jobs_ok", BIGINT, "portfolio sessions of all jobs"),
                ("jobs_partial", BIGINT, "portfolio sessions of all jobs"),
                ("jobs_skipped", BIGINT, "portfolio sessions of all jobs"),
                ("jobs_failed", BIGINT, "portfolio sessions of all jobs"),
                ("jobs_held_back", BIGINT, "portfolio sessions of all jobs"),
            )
        ),
    ),
    key=("id",),
)

ENGINE_SHARDS = Table(
    name="engine_shards",
    role="engine",
    legacy=False,
    comment="One row for each completed shard, written in the shard's own transaction.",
    columns=(
        Column("id", UUID, compared=False),
        Column("run_id", UUID, compared=False),
        Column("first_portfolio", UUID),
        Column("last_portfolio", UUID),
        Column("portfolios", INTEGER, unit="portfolios"),
        Column("left_out", INTEGER, unit="portfolios"),
        Column("rows_written", BIGINT, unit="rows"),
        Column("finished_at", TIMESTAMP, compared=False),
    ),
    key=("run_id", "first_portfolio"),
    unique={"uq_engine_shards": ("run_id", "first_portfolio")},
)

ENGINE_SETTINGS = Table(
    name="engine_settings",
    role="engine",
    comment="What holds for the whole store: one row for each rule that its figures were computed by.",
    columns=(
        Column("name", varchar(64), unit="rule.NAME, closes, or recompute"),
        Column(
            "value",
            varchar(64),
            unit="value of the rule, kind of closes, or id of the run that recomputes all",
        ),
        Column("set_at", TIMESTAMP, compared=False),
    ),
    key=("name",),
    primary_key="name",
    since="2",
    legacy=False,
)

ENGINE_STALE_SESSIONS = Table(
    name="engine_stale_sessions",
    role="engine",
    comment="Portfolios whose stored sessions were computed from closes that were added or changed since.",
    columns=(
        Column("portfolio_id", UUID),
        Column("first_session", DATE, unit="this session and all later ones are stale"),
        Column("reason", TEXT, unit="the symbols, each with its first session"),
        Column("found_at", TIMESTAMP, compared=False),
    ),
    key=("portfolio_id",),
    primary_key="portfolio_id",
    since="2",
    legacy=False,
)

ENGINE_PORTFOLIO_OPENINGS = Table(
    name="engine_portfolio_openings",
    role="engine",
    legacy=False,
    comment="Equity of a portfolio before its first computed session: a rerun starts from it.",
    columns=(
        Column("portfolio_id", UUID),
        Column("first_session", DATE),
        Column("equity_balance", numeric(16, 2), unit="USD"),
    ),
    key=("portfolio_id",),
    owner="portfolio_id",
    primary_key="portfolio_id",
)

ENGINE_POSITION_OPENINGS = Table(
    name="engine_position_openings",
    role="engine",
    legacy=False,
    comment="Values of a position before that session: a rerun starts from them.",
    columns=(
        Column("position_id", UUID),
        Column("portfolio_id", UUID),
        Column("last_price", numeric(12, 4), "never priced", "USD a share"),
        Column("market_value", numeric(16, 2), "never priced", "USD, negative when short"),
        Column("unrealized_pnl", numeric(16, 2), "never priced", "USD"),
    ),
    key=("position_id",),
    owner="portfolio_id",
    primary_key="position_id",
)

BOOKKEEPING = (
    ENGINE_RUNS,
    ENGINE_SHARDS,
    ENGINE_SETTINGS,
    ENGINE_STALE_SESSIONS,
    ENGINE_PORTFOLIO_OPENINGS,
    ENGINE_POSITION_OPENINGS,
)
