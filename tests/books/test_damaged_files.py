"""Damaged files and arguments of any shape end in named errors."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from engine.cli.main import main
from engine.core.errors import UsageError
from loaders.books import sheet
from loaders.books.refusals import BookError
from loaders.books.sheet import read_file


def parquet(folder: Path) -> bytes:
    pl.DataFrame({"symbol": ["A"], "quantity": [1]}).write_parquet(folder / "whole.parquet")
    return (folder / "whole.parquet").read_bytes()


@pytest.mark.parametrize("damage", ["cut", "noise", "head"])
def test_a_damaged_parquet_file_is_named(damage: str, tmp_path: Path) -> None:
    content = parquet(tmp_path)
    other = {"cut": content[:-8], "noise": b"PAR1" + b"\x07" * 500 + b"PAR1", "head": b"PAR1"}[damage]
    (tmp_path / "x.parquet").write_bytes(other)
    with pytest.raises(BookError, match=r"x\.parquet is no Parquet file"):
        read_file(tmp_path / "x.parquet")


def test_a_file_larger_than_the_limit_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "LARGEST_MIB", 1)
    path = tmp_path / "x.csv"
    path.write_text("symbol,quantity\n" + "A,1\n" * 300_000)
    with pytest.raises(UsageError, match="larger than 1 MiB"):
        read_file(path)
    path.write_text("symbol,quantity\nA,1\n")
    assert read_file(path).rows[1] == ["A", "1"]


@pytest.mark.parametrize("text", ["1" * 5000, "100000000000000", "-1e14", "nan", "inf", "ten"])
def test_an_equity_that_no_balance_holds(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["import", "duckdb:///none", "--positions", "x.csv", f"--equity={text}"])
    assert ended.value.code == 2
    assert "is no amount like 10000.00" in capsys.readouterr().err


def test_a_name_that_is_no_text(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["import", "duckdb:///none", "--positions", "x.csv", "--portfolio", "\udcff"])
    assert "is no text in UTF-8" in capsys.readouterr().err


def test_a_folder_of_templates_that_no_system_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "--template", "x" * 5000]) == 2
    assert "cannot be written: File name too long" in capsys.readouterr().err
