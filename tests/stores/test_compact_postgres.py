"""A Postgres database's privileges, policies and triggers when its layout changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.batch.copy import change_layout, create, stored_layout
from engine.core.errors import UsageError
from tests.stores.support import run_sql

pytestmark = pytest.mark.thorough
Stores = Callable[[str], str]


def test_grants_go_with_the_tables(empty_store: Stores) -> None:
    url = empty_store("postgres")
    create(url)
    role = "reader_of_pairs"
    run_sql(url, f"create role {role}")
    try:
        run_sql(url, f"grant select, insert on pairwise_correlations to {role}")
        run_sql(url, "grant select on factor_exposures to public")
        before = privileges(url, "pairwise_correlations"), privileges(url, "factor_exposures")
        change_layout(url, "compact")
        assert privileges(url, "engine_correlation_matrices") == before[0]
        change_layout(url, "legacy")
        assert (privileges(url, "pairwise_correlations"), privileges(url, "factor_exposures")) == before
    finally:
        run_sql(url, f"drop owned by {role}")
        run_sql(url, f"drop role {role}")


ATTACHED = {
    "alter table factor_exposures enable row level security": "row security",
    "create policy own on factor_exposures using (true)": "policy own",
    "create trigger audit before insert on factor_exposures for each row"
    " execute function suppress_redundant_updates_trigger()": "trigger audit",
    "create rule quiet as on delete to factor_exposures do instead nothing": "rule quiet",
    "grant select (id) on factor_exposures to public": "privileges on column id",
}
"""Statements of other programs, and what they attach to a table."""


def test_what_others_attached_to_a_table_stops_the_change(empty_store: Stores) -> None:
    url = empty_store("postgres")
    create(url)
    for text in ATTACHED:
        run_sql(url, text)
    with pytest.raises(UsageError, match=r"factor_exposures has .* layout would drop that") as refused:
        change_layout(url, "compact")
    assert all(name in str(refused.value) for name in ATTACHED.values())
    assert stored_layout(url) == "legacy"


def privileges(url: str, table: str) -> list[Any]:
    """Role and privilege of a table, but for those of its owner."""
    text = (
        "select coalesce(grantee::regrole::text, '-'), privilege_type from pg_class, aclexplode(relacl)"
        f" where oid = '{table}'::regclass and grantee <> relowner order by 1, 2"
    )
    found = run_sql(url, text)
    assert found
    return found
