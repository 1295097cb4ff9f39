"""What the commands do: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from engine import config
from engine.errors import UsageError
from engine.progress import reporter


def run(options: Namespace) -> int:
    """Carry out a parsed command; its exit code."""
    import polars as pl

    # The streaming engine gives other last bits in every run: see the design's rule on bytes.
    pl.Config.set_engine_affinity("in-memory")
    settings = config.load()
    command: Callable[[Namespace, config.Config], int] = COMMANDS[options.command]
    return command(options, settings)


def _backfill(options: Namespace, settings: config.Config) -> int:
    from engine.job import backfill
    from engine.rules import Rules
    from engine.run_results import recorded

    source = options.source or settings.database
    with recorded(options, settings, source) as record, reporter(options.quiet) as progress:
        report = backfill(
            source,
            options.target,
            start=options.start,
            end=options.end,
            run_date=options.run_date,
            portfolios=options.portfolio,
            only=options.only,
            batch_rows=options.batch_size or settings.batch_size,
            shard_size=options.shard_size,
            dry_run=options.dry_run,
            restart=options.restart,
            wait=options.wait,
            rules=getattr(Rules, options.rules)(),
            scenarios=Path(options.scenarios) if options.scenarios else None,
            progress=progress,
        )
        record.report = report
    print(record.to_json() if options.json else record.to_text())
    return 0 if report.complete else 1


def _compare(options: Namespace, settings: config.Config) -> int:
    from engine.api import compare

    found = compare(
        options.expected,
        options.actual,
        tables=options.tables,
        start=options.start,
        end=options.end,
        exemptions=options.exempt,
    )
    print(found.to_text())
    for path, text in ((options.json, found.to_json), (options.html, found.to_html)):
        if path:
            Path(path).write_text(text(), encoding="utf-8")
    return 0 if found.equal else 1


def _demo(options: Namespace, settings: config.Config) -> int:
    from engine.copying import put_whole
    from loaders.demo import demo_world

    url = options.url or settings.database
    with reporter(options.quiet) as progress:
        progress.stage("invent")
        world = demo_world(options.portfolios, options.positions, options.symbols, seed=options.seed)
        rows = put_whole(url, world, settings.batch_size, progress)
    _print_rows(rows, options.json)
    return 0


def _status(options: Namespace, settings: config.Config) -> int:
    from engine.inventory import inventory

    found = inventory(options.url or settings.database)
    print(found.to_json() if options.json else found.to_text())
    return 0


def _runs(options: Namespace, settings: config.Config) -> int:
    from engine.runs import runs

    found = runs(options.url or settings.database)
    print(found.to_json() if options.json else found.to_text())
    return 0


def _copy(options: Namespace, settings: config.Config) -> int:
    from engine.copying import copy

    with reporter(options.quiet) as progress:
        rows = copy(options.source, options.target, options.batch_size or settings.batch_size, progress)
    _print_rows(rows, options.json)
    return 0


def _schema(options: Namespace, settings: config.Config) -> int:
    from engine import schema_pages
    from engine.schema import TABLES

    if options.table and options.table not in TABLES:
        from engine.errors import nearest

        raise UsageError(f"no table is called {options.table}{nearest(options.table, TABLES)}")
    names = [options.table] if options.table else list(TABLES)
    if options.create:
        from engine.copying import create

        made = create(options.create)
        print("\n".join(made) if made else "every table was there", file=sys.stderr)
    elif options.ddl:
        from sql.ddl import create as statements

        print(";\n\n".join(statements(names, options.ddl)) + ";")
    elif options.markdown:
        print(schema_pages.markdown(names), end="")
    else:
        print(schema_pages.text(names))
    return 0


def _print_rows(rows: dict[str, int], as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, indent=1))
    else:
        print("\n".join(f"{name:<32}{count:>12,}" for name, count in rows.items()))


COMMANDS: dict[str, Callable[[Namespace, config.Config], int]] = {
    "backfill": _backfill,
    "compare": _compare,
    "copy": _copy,
    "demo": _demo,
    "runs": _runs,
    "schema": _schema,
    "status": _status,
}
