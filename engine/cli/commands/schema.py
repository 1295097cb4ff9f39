"""`schema`: show the tables as text, statements or a page; create or upgrade them in a store."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from engine.cli.printing import remark, show, show_done
from engine.cli.settings import Config

EXAMPLE = "engine schema portfolio_snapshots"
LAYOUTS = ("legacy", "compact")
"""`engine.core.compact.LAYOUTS`, whose import would slow `--help` down."""


def arguments(command: ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    command.add_argument("table", metavar="TABLE", nargs="?", help="a table [all]")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--ddl", choices=("postgres", "duckdb"), help="show CREATE statements")
    form.add_argument("--markdown", action="store_true", help="show a page of documentation")
    form.add_argument(
        "--create", metavar="URL", help="create the tables that a store lacks, with the shipped rows"
    )
    form.add_argument(
        "--upgrade",
        metavar="URL",
        help="upgrade a store of an earlier version: tables, columns, widths",
    )
    command.add_argument(
        "--layout", choices=LAYOUTS, help="of the tables that --create makes or --ddl shows [the store's own]"
    )


def run(options: Namespace, settings: Config) -> int:
    """Run the command.

    Args:
        options: table and form; or the store in which to create or upgrade tables.
        settings: not used; a store is always named.

    Returns:
        Exit code 0; a failure is raised.

    Raises:
        UsageError: --layout without --create or --ddl.
    """
    from engine.cli import schema_text
    from engine.core.errors import UsageError
    from engine.core.names import table_named
    from engine.core.schema import TABLES

    if options.layout and not (options.create or options.ddl):
        raise UsageError("--layout needs --create or --ddl", "`engine layout` changes the layout of a store")
    names = [table_named(options.table).name] if options.table else list(TABLES)
    if options.create:
        from engine.batch.copy import create, schema_note

        created = create(options.create, options.layout)
        remark("\n".join(created) or "every table exists already")
        if note := schema_note(options.create):
            remark(note)
    elif options.upgrade:
        from engine.batch.copy import upgrade

        show_done("\n".join(upgrade(options.upgrade)) or "nothing to upgrade")
    elif options.ddl:
        from sql.ddl import create as statements

        show(";\n\n".join(statements(names, options.ddl, options.layout or "legacy")) + ";")
    elif options.markdown:
        show(schema_text.markdown(names), end="")
    else:
        show(schema_text.text(names))
    return 0
