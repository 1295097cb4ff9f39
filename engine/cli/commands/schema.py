"""`schema`: the tables, as text, statements or a page; or made in a store, or brought up to date there."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from engine.cli.settings import Config
from engine.core.errors import UsageError


def arguments(command: ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument("table", metavar="TABLE", nargs="?", help="[all]")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--ddl", choices=("postgres", "duckdb"), help="as CREATE statements")
    form.add_argument("--markdown", action="store_true", help="as a page of documentation")
    form.add_argument("--create", metavar="URL", help="make the tables that a store lacks")
    form.add_argument(
        "--upgrade",
        metavar="URL",
        help="bring a store of an earlier version up to date: tables, columns, widths",
    )


def run(options: Namespace, settings: Config) -> int:
    """Carry it out; its exit code."""
    from engine.cli import schema_text as schema_pages
    from engine.core.schema import TABLES

    if options.table and options.table not in TABLES:
        from engine.core.errors import nearest

        raise UsageError(f"no table is called {options.table}{nearest(options.table, TABLES)}")
    names = [options.table] if options.table else list(TABLES)
    if options.create:
        from engine.batch.copy import create

        made = create(options.create)
        print("\n".join(made) if made else "every table was there", file=sys.stderr)
    elif options.upgrade:
        from engine.batch.copy import upgrade

        print("\n".join(upgrade(options.upgrade)) or "nothing to upgrade")
    elif options.ddl:
        from sql.ddl import create as statements

        print(";\n\n".join(statements(names, options.ddl)) + ";")
    elif options.markdown:
        print(schema_pages.markdown(names), end="")
    else:
        print(schema_pages.text(names))
    return 0
