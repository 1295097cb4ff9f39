"""Tables made in Postgres are the legacy database's: types, keys, indexes, references, by name.

What is expected is written by hand from documents 01 and 05 of the legacy description.
"""

from __future__ import annotations

import pytest

from engine.batch.copy import create
from engine.core.schema import TABLES
from tests.conftest import Server
from tests.stores.support import run_sql

COLUMN_TYPES = {
    "portfolio_snapshots": {
        "id": "uuid",
        "portfolio_id": "uuid",
        "snapshot_date": "date",
        "total_value": "numeric(16,2)",
        "daily_return": "numeric(8,6)",
        "portfolio_delta": "numeric(12,2)",
        "num_positions": "integer",
        "volatility_trend": "character varying(20)",
        "hhi": "numeric(10,4)",
        "sector_exposure": "json",
        "is_complete": "boolean",
        "created_at": "timestamp with time zone",
    },
    "positions": {
        "id": "uuid",
        "position_type": "positiontype",
        "quantity": "numeric(16,4)",
        "entry_price": "numeric(12,4)",
        "symbol": "character varying(20)",
        "entry_date": "date",
        "notes": "text",
        "market_value": "numeric(16,2)",
        "deleted_at": "timestamp with time zone",
    },
    "equity_changes": {"change_type": "equity_change_type", "amount": "numeric(16,2)"},
    "market_data_cache": {"close": "numeric(12,4)", "volume": "bigint"},
    "stress_test_results": {"factor_impacts": "jsonb", "correlated_pnl": "numeric(16,2)"},
}

INDEXES = {
    "portfolio_snapshots": {
        "pk_portfolio_snapshots": "UNIQUE id",
        "uq_portfolio_snapshots_portfolio_date": "UNIQUE portfolio_id, snapshot_date",
        "ix_portfolio_snapshots_portfolio_id": "portfolio_id",
        "ix_portfolio_snapshots_snapshot_date": "snapshot_date",
    },
    "position_factor_exposures": {
        "pk_position_factor_exposures": "UNIQUE id",
        "uq_position_factor_date": "UNIQUE position_id, factor_id, calculation_date",
        "idx_pfe_calculation_date": "calculation_date",
        "idx_pfe_factor_date": "factor_id, calculation_date",
        "idx_pfe_position_date": "position_id, calculation_date",
    },
    "pairwise_correlations": {
        "pk_pairwise_correlations": "UNIQUE id",
        "idx_pairwise_correlations_calculation": "correlation_calculation_id",
        "idx_pairwise_correlations_calculation_symbols": "correlation_calculation_id, symbol_1, symbol_2",
    },
    "company_profiles": {"pk_company_profiles": "UNIQUE symbol", "ix_company_profiles_symbol": "symbol"},
}

REFERENCES = {
    "position_tags": {
        "fk_position_tags_position_id_positions": "(position_id) REFERENCES positions(id) ON DELETE CASCADE",
        "fk_position_tags_tag_id_tags_v2": "(tag_id) REFERENCES tags_v2(id) ON DELETE CASCADE",
        "fk_position_tags_assigned_by_users": "(assigned_by) REFERENCES users(id)",
    },
    "correlation_clusters": {
        "fk_correlation_clusters_correlation_calculation_id_corr_40a6": (
            "(correlation_calculation_id) REFERENCES correlation_calculations(id)"
        )
    },
    "stress_test_results": {
        "fk_stress_test_results_portfolio_id_portfolios": "(portfolio_id) REFERENCES portfolios(id)",
        "fk_stress_test_results_scenario_id_stress_test_scenarios": (
            "(scenario_id) REFERENCES stress_test_scenarios(id)"
        ),
    },
}

COLUMNS_SQL = """
select attname, format_type(atttypid, atttypmod) from pg_attribute
where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped
"""
INDEXES_SQL = """
select indexname, (case when indexdef like 'CREATE UNIQUE%' then 'UNIQUE ' else '' end)
    || substring(indexdef from '[(](.*)[)]')
from pg_indexes where tablename = '{table}'
"""
REFERENCES_SQL = """
select conname, replace(pg_get_constraintdef(oid), 'FOREIGN KEY ', '') from pg_constraint
where conrelid = '{table}'::regclass and contype = 'f'
"""
ENUMERATIONS_SQL = """
select typname, array_agg(enumlabel order by enumsortorder)::text
from pg_enum join pg_type t on t.oid = enumtypid group by 1
"""
NULLABLE_SQL = """
select table_name, column_name, is_nullable from information_schema.columns where table_schema = 'public'
"""


@pytest.fixture(scope="module")
def made(postgres_server: Server) -> str:
    # A worker may set the module up twice, when it steals tests from another.
    postgres_server.admin.execute("drop database if exists catalog with (force)")
    postgres_server.admin.execute("create database catalog")
    url = postgres_server.url("catalog")
    assert set(create(url)) == set(TABLES)
    return url


@pytest.mark.parametrize("table", COLUMN_TYPES)
def test_columns_have_the_legacy_types(table: str, made: str) -> None:
    found = dict(run_sql(made, COLUMNS_SQL.format(table=table)))
    assert {name: found[name] for name in COLUMN_TYPES[table]} == COLUMN_TYPES[table]


@pytest.mark.parametrize("table", INDEXES)
def test_indexes_have_the_legacy_names_and_columns(table: str, made: str) -> None:
    found = dict(run_sql(made, INDEXES_SQL.format(table=table)))
    assert {name: text.replace('"', "") for name, text in found.items()} == INDEXES[table]


@pytest.mark.parametrize("table", REFERENCES)
def test_references_have_the_legacy_names_and_targets(table: str, made: str) -> None:
    assert dict(run_sql(made, REFERENCES_SQL.format(table=table))) == REFERENCES[table]


def test_enumerations_have_the_legacy_words_in_order(made: str) -> None:
    assert dict(run_sql(made, ENUMERATIONS_SQL)) == {
        "positiontype": "{LC,LP,SC,SP,LONG,SHORT}",
        "equity_change_type": "{CONTRIBUTION,WITHDRAWAL}",
    }


def test_a_colour_is_checked(made: str) -> None:
    query = "select pg_get_constraintdef(oid) from pg_constraint where conname = 'ck_tags_v2_valid_hex_color'"
    assert run_sql(made, query) == [("CHECK (((color)::text ~ '^#[0-9A-Fa-f]{6}$'::text))",)]


def test_every_column_takes_nulls_where_the_schema_gives_them_a_meaning(made: str) -> None:
    stored = {(table, column): word == "YES" for table, column, word in run_sql(made, NULLABLE_SQL)}
    known = {(t.name, c.name): c.nullable for t in TABLES.values() for c in t.columns}
    assert stored == known


def test_making_tables_again_makes_none(made: str) -> None:
    assert create(made) == []
