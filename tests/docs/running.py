"""A reader who types what a page says: its blocks, one after the other, in one folder."""

from __future__ import annotations

import doctest
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any
from unittest import mock

from engine.cli.main import main
from loaders import open_reader
from tests.docs.blocks import ROOT, Block, commands, name

ENGINE = (["engine"], ["python", "-m", "engine"])
"""The two ways to call the engine; both are run inside the test's process."""
SHELL_SIGNS = re.compile(r"[|<>;&]|\$\(")
EXIT_CODE = re.compile(r"#.*exit code (\d+)")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
VARIABLE = re.compile(r"^(\w+)=(.*)$")


class Evening(datetime):
    """A clock that stands at the evening of 22 December 2025 in New York."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Evening:
        return cls(2025, 12, 22, 23, 0, tzinfo=UTC).astimezone(tz)


class Reader:
    """Runs a page's blocks in `folder`.

    instead: names of the page that stand for others here, as a server's address.
    """

    def __init__(self, page: Path, folder: Path, instead: Mapping[str, str]) -> None:
        self.page, self.folder, self.instead = page, folder, instead
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.environment: dict[str, str] = {}

    def read(self, block: Block) -> None:
        """Do what the block says; an AssertionError where it does not go as told."""
        where = f"{name(self.page)}, line {block.line}"
        text = self._here(block.text)
        known = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **self.environment}
        with chdir(self.folder), mock.patch.dict(os.environ, known):
            if block.title:
                (self.folder / block.title).write_text(text, encoding="utf-8")
            elif block.language == "python":
                # The documentation's own code, as its reader would run it.
                exec(compile(text, where, "exec"), self.names)
            elif block.language == "pycon":
                self._converse(text, where)
            elif block.language == "crontab":
                self._in_the_evening(text, where)
            elif block.language == "sql" and text.startswith("select"):
                self._ask(text)
            elif block.language in ("bash", "console"):
                for command, shown in commands(Block(block.language, block.info, text, block.line)):
                    self._do(command, shown, where)

    def _here(self, text: str) -> str:
        for theirs, ours in self.instead.items():
            text = text.replace(theirs, ours)
        return text

    def _converse(self, text: str, where: str) -> None:
        found = doctest.DocTestParser().get_doctest(text, self.names, where, str(self.page), 0)
        told = io.StringIO()
        failed, _ = doctest.DocTestRunner(optionflags=FLAGS).run(found, out=told.write, clear_globs=False)
        self.names.update(found.globs)
        assert not failed, told.getvalue()

    def _do(self, command: str, shown: str | None, where: str) -> None:
        wanted = EXIT_CODE.search(command)
        words = shlex.split(command, comments=True)
        if words[0].startswith("bin/"):
            return  # sets up an environment; `conftest.demo` runs what `bin/demo` then does
        if words[0] == "export":
            self.environment.update(word.split("=", 1) for word in words[1:])
            os.environ.update(self.environment)
            return
        code, output, errors = self._run(command, words)
        told = f"{where}: {command}\n{output}{errors}"
        assert code == int(wanted[1] if wanted else 0), told
        if shown is not None:
            same = doctest.OutputChecker().check_output(shown, output, FLAGS)
            assert same, f"{where}: {command}\nthe page shows\n{shown}\nand it prints\n{output}"

    def _in_the_evening(self, crontab: str, where: str) -> None:
        """Do what cron does on the evening of the session after the demo's last: nothing has a close."""
        for line in crontab.splitlines():
            if VARIABLE.match(line):
                continue
            command = line.split(maxsplit=5)[5].replace("cd /srv/engine && ", "")
            command, _, _ = command.replace(".venv/bin/", "").partition(" >> ")
            with mock.patch("engine.batch.backfill.datetime", Evening):
                self._do(f"{command}  # exit code 1", "not computed: 1 session, 2025-12-22 ...\n", where)

    def _ask(self, question: str) -> None:
        """A query, of the store that the page is about: it has to be understood."""
        url = "duckdb:///./demo.duckdb"
        with open_reader(url) as reader:
            reader.query(question.strip().removesuffix(";"))

    def _run(self, command: str, words: list[str]) -> tuple[int, str, str]:
        variables = {}
        while found := VARIABLE.match(words[0]):
            variables[found[1]] = found[2]
            words = words[1:]
        call = next((call for call in ENGINE if words[: len(call)] == call), None)
        if call is None or SHELL_SIGNS.search(command.split("#")[0]):
            return self._shell(command)
        with mock.patch.dict(os.environ, variables):
            return engine(words[len(call) :])

    def _shell(self, command: str) -> tuple[int, str, str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr


def engine(arguments: list[str]) -> tuple[int, str, str]:
    """Run a command of the engine in this process; return exit code, stdout and stderr."""
    output, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        try:
            code = main(arguments)
        except SystemExit as ended:
            code = int(ended.code or 0)
    return code, output.getvalue(), errors.getvalue()
