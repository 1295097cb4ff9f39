"""`import`: put positions, trades, prices and flows from files into a store."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from engine.cli.commands.options import day, output
from engine.cli.next_steps import engine_command, suggest
from engine.cli.printing import show, show_done
from engine.cli.settings import Config

KINDS = {
    "positions": "lots: symbol and quantity, with cost and dates if known",
    "prices": "closes: date, symbol and close, or dates x symbols",
    "flows": "deposits and withdrawals: date and amount",
    "trades": "buys, sells, dividends, splits, deposits: lots are built first in, first out, or as stated",
}
"""Contents of the files, by kind: an option and a field of `loaders.books.book.Sources` each."""

BEYOND = Decimal(10) ** 14
"""USD; portfolios.equity_balance is numeric(16, 2)."""

EXAMPLE = "engine import duckdb:///mine.duckdb --positions positions.csv --prices prices.csv --dry-run"


def arguments(command: ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    command.add_argument("url", metavar="STORE", nargs="?", help="store to write, made if it does not exist")
    for kind, words in KINDS.items():
        command.add_argument(f"--{kind}", metavar="FILE", help=f"{words}; CSV, Parquet or Excel")
    command.add_argument(
        "--portfolio", type=name, metavar="NAME", default="My book", help="its name [My book]"
    )
    command.add_argument(
        "--equity",
        type=amount,
        metavar="USD",
        help="equity before the first session [cash rows plus the lots at their first closes]",
    )
    command.add_argument(
        "--start", type=day, metavar="D", help="first day [first with a close of a held symbol and a lot]"
    )
    command.add_argument(
        "--as-of",
        type=day,
        metavar="D",
        help="day on which lots that the file no longer has were closed [that of the newest close]",
    )
    command.add_argument("--date-order", choices=("mdy", "dmy"), help="order of day and month [detected]")
    command.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="THEIRS=OURS",
        help="name of a column of the positions, or of the trades; repeatable",
    )
    command.add_argument("--dry-run", action="store_true", help="show what would be done, write nothing")
    command.add_argument("--template", metavar="FOLDER", help="write example files into a folder, and stop")
    output(command)


def name(text: str) -> str:
    """Return a name that a store can hold.

    Args:
        text: of the option; bytes of the command line that are no text come as surrogates.

    Raises:
        ArgumentTypeError: It is no text.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ArgumentTypeError(f"{text!r} is no text in UTF-8") from None
    return text


def amount(text: str) -> Decimal:
    """Parse an amount of money, such as 10,000.00 or $10000.

    Args:
        text: of the option; commas separate thousands.

    Returns:
        USD, exact.

    Raises:
        ArgumentTypeError: The text is no finite number, or none that a balance can hold.
    """
    try:
        value = Decimal(text.replace(",", "").replace("$", ""))
    except InvalidOperation:
        raise ArgumentTypeError(f"'{text}' is no amount like 10000.00") from None
    if not value.is_finite() or abs(value) >= BEYOND:
        raise ArgumentTypeError(f"'{text}' is no amount like 10000.00")
    return value


def run(options: Namespace, settings: Config) -> int:
    """Run the command.

    Args:
        options: store, files by kind, what the user states about them, output; or a folder for templates.
        settings: defaults of the store (`database`) and the batch size.

    Returns:
        The exit code: 1 where rows are refused, else 0.
    """
    import json

    from engine.batch.import_book import prepare, write
    from engine.cli.import_text import import_content, import_text
    from engine.core.progress import reporter
    from loaders.books.book import Choices
    from loaders.books.template import write_template

    if options.template:
        show_done("\n".join(write_template(options.template)))
        return 0
    files = {kind: path for kind in KINDS if (path := getattr(options, kind))}
    choices = Choices(
        options.portfolio, options.equity, options.start, options.date_order, mapping(options.map)
    )
    with reporter(options.quiet, options.log_format) as progress:
        ready = prepare(options.url or settings.database, files, choices, options.as_of)
        written = not options.dry_run and not ready.book.refusals
        if written:
            write(ready, settings.batch_size, progress)
    content = import_content(ready, written)
    (show_done if written else show)(
        json.dumps(content, indent=1, default=str) if options.json else import_text(ready, written)
    )
    suggest(options, _next_steps(options, settings, written, ready.book.refusals))
    return 1 if ready.book.refusals else 0


def _next_steps(
    options: Namespace, settings: Config, written: bool, refusals: Sequence[object]
) -> list[tuple[str, str]]:
    """Return what to do after an import, or after its preview.

    Args:
        options: of the command.
        settings: default of the store (`database`).
        written: whether the rows are in the store.
        refusals: rows that are refused.
    """
    url = options.url or settings.database
    if refusals:
        return [("correct these rows", "then import the files again")]
    if not written:
        return [("write these rows", "the same command without --dry-run")]
    return [
        ("compute its figures", engine_command("backfill", "--from", url)),
        ("write its page", engine_command("report", url, "--portfolio", options.portfolio)),
    ]


def mapping(pairs: list[str]) -> dict[str, str]:
    """Return {theirs: ours} of the option `--map`.

    Args:
        pairs: each as `THEIRS=OURS`; the last equals sign separates.

    Raises:
        UsageError: A pair has no equals sign.
    """
    from engine.core.errors import UsageError

    for pair in pairs:
        if "=" not in pair:
            raise UsageError(f"--map {pair} is no pair like 'Avg Px=entry_price'")
    return dict((part.strip() for part in pair.rsplit("=", 1)) for pair in pairs)  # type: ignore[misc]
