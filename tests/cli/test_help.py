"""Help, examples, completion, and hints on what to do next."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.cli.commands import COMMANDS, command_module
from engine.cli.completion import SHELLS
from engine.cli.main import main, parser
from engine.core.names import portfolio_label

ROOT = Path(__file__).parents[2]
LEFT_OUT = {"collect": "asks a provider", "bench": "takes minutes"}
"""Commands whose examples are parsed, not run."""


def example(name: str) -> list[str]:
    """The words of a command's example, without the program's name."""
    program, *words = shlex.split(command_module(name).EXAMPLE)
    assert program == "engine"
    return words


def printed_by(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    """Run a command that succeeds; return stdout and stderr."""
    assert main(arguments) == 0
    printed = capsys.readouterr()
    return printed.out, printed.err


@pytest.mark.parametrize("name", COMMANDS)
def test_help_ends_with_an_example_that_the_parser_takes(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([name, "--help"])
    assert capsys.readouterr().out.endswith(f"example:\n  {command_module(name).EXAMPLE}\n")
    assert parser().parse_args(example(name)).command == name


@pytest.mark.thorough
@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - LEFT_OUT.keys() - {"demo"}))
def test_examples_run_on_the_demo(
    name: str, demo_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for file in ("demo.duckdb", "copy.duckdb"):
        shutil.copy(demo_store, file)
    for path in (ROOT / "docs/examples").iterdir():
        shutil.copy(path, path.name)
    assert main(example(name)) == 0


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_has_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--completion", shell])
    assert not end.value.code
    assert "analytics_status" in capsys.readouterr().out, "tables are completed, too"


def test_bash_completes_commands_options_tables_and_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--completion", "bash"])
    (tmp_path / "script").write_text(capsys.readouterr().out)
    (tmp_path / "book.csv").touch()
    words = {
        "engine ba": "backfill",
        "engine report --port": "--portfolio",
        "engine schema engine_sha": "engine_shards",
        "engine collect fund": "fundamentals",
        "engine import --positions bo": "book.csv",
    }
    calls = [
        f'COMP_WORDS=({typed}); COMP_CWORD={typed.count(" ")}; _shtab_engine; echo "${{COMPREPLY[*]}}"'
        for typed in words
    ]
    script = "\n".join(["source ./script", *calls])
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [*words.values()]


@pytest.mark.thorough
def test_commands_say_what_to_do_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    _, hints = printed_by(capsys, "demo", "duckdb:///d.duckdb", "--portfolios", "1", "--positions", "3")
    steps = [line.partition(": ")[2] for line in hints.splitlines() if line.startswith("next, ")]
    assert [shlex.split(step)[1] for step in steps] == ["backfill", "report"]
    for step in steps:
        assert main(shlex.split(step)[1:]) == 0, step
    assert "next, look at it: open report.html in a browser" in capsys.readouterr().err
    files = [str(ROOT / "docs/examples" / name) for name in ("positions.csv", "prices.csv")]
    book = ["import", "duckdb:///mine.duckdb", "--positions", files[0], "--prices", files[1]]
    assert "next, write these rows: " in printed_by(capsys, *book, "--dry-run")[1]
    assert "engine report duckdb:///mine.duckdb --portfolio 'My book'" in printed_by(capsys, *book)[1]
    assert "next, " not in printed_by(capsys, *book, "--json")[1]
    assert "next, " not in printed_by(capsys, *book, "--quiet")[1]


def test_a_portfolio_is_named_before_its_id_on_one_line() -> None:
    names = {"7a": "My\nbook\x1b[2J", "7b": None}
    assert portfolio_label("7a", names) == "My?book?[2J (7a)"
    assert portfolio_label("7b", names) == portfolio_label("7b", {}) == "7b"
