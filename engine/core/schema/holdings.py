"""Tables of holdings: users, portfolios, positions, realized gains, capital flows and tags."""

from engine.core.schema.kinds import (
    BOOLEAN,
    DATE,
    INTEGER,
    TEXT,
    TIMESTAMP,
    UUID,
    Column,
    ForeignKey,
    Table,
    enum,
    numeric,
    row_id,
    stamp,
    stamps,
    varchar,
)

POSITION_TYPE = enum("positiontype", "LC", "LP", "SC", "SP", "LONG", "SHORT")
CHANGE_TYPE = enum("equity_change_type", "CONTRIBUTION", "WITHDRAWAL")

USERS = Table(
    name="users",
    role="input",
    comment="Owners of portfolios; read only so that references stay valid.",
    columns=(
        Column("id", UUID),
        Column("email", varchar(255)),
        Column("hashed_password", varchar(255)),
        Column("full_name", varchar(255)),
        Column("is_active", BOOLEAN),
        *stamps(),
    ),
    key=("id",),
    unique={"ix_users_email": ("email",)},
)

PORTFOLIOS = Table(
    name="portfolios",
    role="state",
    comment="One row for each portfolio; a run updates equity_balance.",
    columns=(
        Column("id", UUID),
        Column("user_id", UUID),
        Column("name", varchar(255)),
        Column("account_name", varchar(100)),
        Column("account_type", varchar(20)),
        Column("is_active", BOOLEAN),
        Column("description", varchar(1000), "none given"),
        Column("currency", varchar(3)),
        Column("equity_balance", numeric(16, 2), "never funded: the portfolio is refused", "USD", job="pnl"),
        *stamps(),
        Column("deleted_at", TIMESTAMP, "not deleted"),
    ),
    key=("id",),
    owner="id",
    unique={"uq_portfolio_user_account_name": ("user_id", "account_name")},
    indexes={
        "ix_portfolios_deleted_at": ("deleted_at",),
        "ix_portfolios_user_id": ("user_id",),
    },
    foreign_keys=(ForeignKey("fk_portfolios_user_id_users", "user_id", "users"),),
)

POSITIONS = Table(
    name="positions",
    role="state",
    comment="One row for each lot, with its newest price, value and gain, which a run updates.",
    columns=(
        Column("id", UUID),
        Column("portfolio_id", UUID),
        Column("symbol", varchar(20)),
        Column("position_type", POSITION_TYPE),
        Column("quantity", numeric(16, 4), unit="shares or contracts, negative when short"),
        Column("entry_price", numeric(12, 4), unit="USD a share"),
        Column("entry_date", DATE),
        Column("exit_price", numeric(12, 4), "open", "USD a share"),
        Column("exit_date", DATE, "open"),
        Column("underlying_symbol", varchar(10), "not an option"),
        Column("strike_price", numeric(12, 4), "not an option", "USD a share"),
        Column("expiration_date", DATE, "not an option"),
        Column("investment_class", varchar(20), "unclassified"),
        Column("investment_subtype", varchar(30), "none given"),
        Column("last_price", numeric(12, 4), "never priced", "USD a share", job="market_values"),
        Column(
            "market_value", numeric(16, 2), "never priced", "USD, negative when short", job="market_values"
        ),
        Column("unrealized_pnl", numeric(16, 2), "never priced", "USD", job="market_values"),
        Column("realized_pnl", numeric(16, 2), "nothing closed; kept by others", "USD"),
        Column("notes", TEXT, "none given"),
        *stamps(),
        Column("deleted_at", TIMESTAMP, "not deleted"),
    ),
    key=("id",),
    owner="portfolio_id",
    indexes={
        "idx_position_portfolio_active": ("portfolio_id", "deleted_at"),
        "ix_positions_deleted_at": ("deleted_at",),
        "ix_positions_exit_date": ("exit_date",),
        "ix_positions_inv_class_subtype": ("investment_class", "investment_subtype"),
        "ix_positions_investment_class": ("investment_class",),
        "ix_positions_portfolio_id": ("portfolio_id",),
        "ix_positions_symbol": ("symbol",),
    },
    foreign_keys=(ForeignKey("fk_positions_portfolio_id_portfolios", "portfolio_id", "portfolios"),),
)

POSITION_REALIZED_EVENTS = Table(
    name="position_realized_events",
    role="input",
    comment="Gains and losses realized when a lot, or part of one, was closed.",
    columns=(
        Column("id", UUID),
        Column("position_id", UUID),
        Column("portfolio_id", UUID),
        Column("trade_date", DATE),
        Column("quantity_closed", numeric(16, 4), unit="shares or contracts, positive"),
        Column("realized_pnl", numeric(16, 2), unit="USD"),
        stamp("created_at"),
    ),
    key=("id",),
    date="trade_date",
    owner="portfolio_id",
    indexes={
        "ix_position_realized_events_portfolio_date": ("portfolio_id", "trade_date"),
        "ix_position_realized_events_portfolio_id": ("portfolio_id",),
        "ix_position_realized_events_position_id": ("position_id",),
    },
    foreign_keys=(
        ForeignKey(
            "fk_position_realized_events_position_id_positions",
            "position_id",
            "positions",
            cascade=True,
        ),
        ForeignKey(
            "fk_position_realized_events_portfolio_id_portfolios",
            "portfolio_id",
            "portfolios",
            cascade=True,
        ),
    ),
)

EQUITY_CHANGES = Table(
    name="equity_changes",
    role="input",
    comment="Money paid into and out of a portfolio.",
    columns=(
        Column("id", UUID),
        Column("portfolio_id", UUID),
        Column("change_type", CHANGE_TYPE),
        Column("amount", numeric(16, 2), unit="USD, positive both ways"),
        Column("change_date", DATE),
        Column("notes", varchar(500), "none given"),
        Column("created_by_user_id", UUID),
        *stamps(),
        Column("deleted_at", TIMESTAMP, "not deleted"),
    ),
    key=("id",),
    date="change_date",
    owner="portfolio_id",
    indexes={
        "ix_equity_changes_created_by_user_id": ("created_by_user_id",),
        "ix_equity_changes_deleted_at": ("deleted_at",),
        "ix_equity_changes_portfolio_date": ("portfolio_id", "change_date"),
        "ix_equity_changes_portfolio_id": ("portfolio_id",),
    },
    foreign_keys=(
        ForeignKey("fk_equity_changes_portfolio_id_portfolios", "portfolio_id", "portfolios"),
        ForeignKey("fk_equity_changes_created_by_user_id_users", "created_by_user_id", "users"),
    ),
)

SECTOR_MARK = "Sector:"
"""Prefix of a sector tag's description: a run removes links of such tags only."""
NO_SECTOR = "Positions without sector classification"
"""Description of the tag that a run makes for these."""

TAGS = Table(
    name="tags_v2",
    role="state",
    comment="Tags of a user; from the run date on, a run makes one for each sector.",
    columns=(
        row_id(),
        Column("user_id", UUID),
        Column("name", varchar(50)),
        Column("color", varchar(7), "no colour"),
        Column("description", TEXT, "none given"),
        Column("display_order", INTEGER),
        Column("usage_count", INTEGER, unit="links ever made"),
        Column("is_archived", BOOLEAN),
        Column("archived_at", TIMESTAMP, "not archived"),
        Column("archived_by", UUID, "not archived"),
        *stamps(),
    ),
    key=("user_id", "name", "is_archived"),
    made_ids=True,
    unique={"unique_active_tag_name_v2": ("user_id", "name", "is_archived")},
    foreign_keys=(
        ForeignKey("fk_tags_v2_archived_by_users", "archived_by", "users"),
        ForeignKey("fk_tags_v2_user_id_users", "user_id", "users", cascade=True),
    ),
    checks={"ck_tags_v2_valid_hex_color": "color ~ '^#[0-9A-Fa-f]{6}$'"},
)

POSITION_TAGS = Table(
    name="position_tags",
    role="state",
    comment="Tags of positions.",
    columns=(
        row_id(),
        Column("position_id", UUID),
        Column("tag_id", UUID),
        stamp("assigned_at"),
        Column("assigned_by", UUID, "unknown"),
    ),
    key=("position_id", "tag_id"),
    owner="position_id",
    unique={"unique_position_tag": ("position_id", "tag_id")},
    indexes={
        "ix_position_tags_assigned_at": ("assigned_at",),
        "ix_position_tags_position_id": ("position_id",),
        "ix_position_tags_tag_id": ("tag_id",),
    },
    foreign_keys=(
        ForeignKey("fk_position_tags_position_id_positions", "position_id", "positions", cascade=True),
        ForeignKey("fk_position_tags_tag_id_tags_v2", "tag_id", "tags_v2", cascade=True),
        ForeignKey("fk_position_tags_assigned_by_users", "assigned_by", "users"),
    ),
)

PORTFOLIO_TARGET_PRICES = Table(
    name="portfolio_target_prices",
    role="input",
    comment="Analysts' targets; kept by others, neither read nor written by a run.",
    columns=(
        Column("id", UUID),
        Column("portfolio_id", UUID),
        Column("position_id", UUID, "for the symbol, not one position"),
        Column("symbol", varchar(20)),
        Column("position_type", varchar(10), "any type"),
        Column("target_price_eoy", numeric(12, 4), "no target", "USD a share"),
        Column("target_price_next_year", numeric(12, 4), "no target", "USD a share"),
        Column("downside_target_price", numeric(12, 4), "no target", "USD a share"),
        Column("current_price", numeric(12, 4), "not priced", "USD a share"),
        Column("current_implied_vol", numeric(8, 4), "unknown", "fraction a year"),
        Column("expected_return_eoy", numeric(8, 4), "no target", "percent"),
        Column("expected_return_next_year", numeric(8, 4), "no target", "percent"),
        Column("downside_return", numeric(8, 4), "no target", "percent"),
        Column("target_upside_eoy_value", numeric(16, 2), "no target", "USD"),
        Column("target_upside_next_year_value", numeric(16, 2), "no target", "USD"),
        Column("target_downside_value", numeric(16, 2), "no target", "USD"),
        Column("position_weight", numeric(8, 4), "unknown", "fraction"),
        Column("contribution_to_portfolio_return", numeric(8, 4), "unknown", "percent"),
        Column("contribution_to_portfolio_risk", numeric(8, 4), "unknown", "percent"),
        Column("price_updated_at", TIMESTAMP, "never"),
        Column("analyst_notes", TEXT, "none given"),
        Column("data_source", varchar(50), "unknown"),
        Column("created_by", UUID, "unknown"),
        *stamps(),
    ),
    key=("id",),
    owner="portfolio_id",
)

HOLDINGS = (
    USERS,
    PORTFOLIOS,
    POSITIONS,
    POSITION_REALIZED_EVENTS,
    EQUITY_CHANGES,
    TAGS,
    POSITION_TAGS,
    PORTFOLIO_TARGET_PRICES,
)
