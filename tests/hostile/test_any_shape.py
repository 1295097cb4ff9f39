"""Arguments and files of any shape: each command ends with 0, 1 or 2, and with no unexpected error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.cli.main import main

NUMBERS = ["1" * 5000, "-1", "1e5", "\u0661", "0x10", "1_000", "∞", "nan", " 5 "]
DAYS = ["0001-01-01", "1899-12-31", "1900-01-01", "2025-02-30", "2036-01-01", "2100-12-31", "9999-12-31"]
WORDS = ["x" * 5000, "'; drop table x", "../..", "\u202e", "%s{}", "*", "a=b", "\n"]
CONTENTS: dict[str, bytes] = {
    "empty.csv": b"",
    "zeros.csv": bytes(1000),
    "noise.csv": bytes(range(256)) * 20,
    "cut.parquet": b"PAR1\x15\x04",
    "noise.parquet": b"PAR1" + bytes(range(200)) + b"PAR1",
    "noise.xlsx": b"PK\x03\x04" + bytes(range(200)),
    "long.csv": b"symbol,quantity\nA," + b"9" * 5000,
    "wide.csv": b",".join([b"x"] * 20_000),
    "days.csv": b"date,symbol,close\n0001-01-01,A,1\n9999-12-31,A,1e308\n2025-13-45,A,x\n",
    "quote.csv": b'symbol,quantity\n"A,1\n',
    "deep.json": b'{"a":' * 5000,
    "deep.toml": b"a=" + b"[" * 5000,
}


@pytest.fixture
def ends(
    fresh: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., None]:
    """Run a command in a folder of its own; `STORE` in its words is a store with inputs."""
    url = fresh("duckdb")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    Path("ok.csv").write_text("symbol,quantity,cost\nA,10,5\n")
    Path("prices.csv").write_text("date,symbol,close\n2025-01-02,A,10\n2025-01-03,A,11\n")

    def run(*words: str) -> None:
        try:
            code = main([url if word == "STORE" else word for word in words])
        except SystemExit as ended:
            code = int(ended.code or 0)
        err = capsys.readouterr().err
        assert code in (0, 1, 2), words
        assert "unexpected" not in err, (words, err)

    return run


BOOK = ["import", "duckdb:///book.duckdb", "--positions", "ok.csv", "--prices", "prices.csv", "--dry-run"]
DRY = ["backfill", "--from", "STORE", "--dry-run", "--quiet"]


def test_numbers_of_any_shape(ends: Callable[..., None]) -> None:
    for text in NUMBERS:
        for option in ("--shard-size", "--batch-size", "--memory"):
            ends(
                *DRY, "--start", "2025-03-03", "--end", "2025-03-03", f"{option}={text}", "--only", "no_table"
            )
        ends(*BOOK, f"--equity={text}")
        ends("coverage", "STORE", f"--threshold={text}", "--end", "2025-03-03")


def test_days_of_any_shape(ends: Callable[..., None]) -> None:
    for text in DAYS:
        ends(*DRY, "--start", text, "--end", text, "--run-date", text)
        ends("coverage", "STORE", "--start", text, "--end", text)
        ends("explain", "STORE", "--portfolio", "x", "--date", text, "--figure", "hhi")
        ends("compare", "STORE", "STORE", "--tables", "market_data_cache", "--start", text, "--end", text)
        ends(*BOOK, "--start", text)
        ends(*BOOK, "--as-of", text)


def test_words_of_any_shape(ends: Callable[..., None]) -> None:
    for text in WORDS:
        ends("report", "STORE", f"--portfolio={text}")
        ends("explain", "STORE", f"--portfolio={text}", "--date", "2025-03-03", f"--figure={text}")
        ends("schema", text)
        ends(*DRY, f"--only={text}")
        ends(*DRY, f"--rules={text}")
        ends("status", text)
        ends("copy", text, text)
        ends("collect", "prices", "STORE", f"--provider={text}")
        ends(*BOOK, f"--map={text}")
        ends(*BOOK, f"--portfolio={text}")


def test_files_of_any_shape(ends: Callable[..., None]) -> None:
    for name, content in CONTENTS.items():
        Path(name).write_bytes(content)
    for name in (*CONTENTS, ".", "/nonexistent", "/dev/null"):
        for kind in ("--positions", "--trades", "--flows"):
            ends("import", "duckdb:///b.duckdb", kind, name, "--prices", "prices.csv", "--dry-run")
        ends("import", "duckdb:///b.duckdb", "--positions", "ok.csv", "--prices", name, "--dry-run")
        ends(*DRY, "--scenarios", name)
        ends("compare", "STORE", "STORE", "--tables", "users", "--exempt", name)
        ends("bench", "--only", "none", "--against", name)
        ends("status", f"duckdb:///{name}")
        ends("status", f"parquet:///{name}")
