"""The examples in docstrings, executed."""

from __future__ import annotations

import doctest
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = (
    "engine.analyst.explain.explaining",
    "engine.analyst.store",
    "engine.whatif",
    "engine.pipeline.changed",
    "engine.analytics.stress.scenarios",
    "engine.pipeline.compute",
)


@pytest.mark.thorough
@pytest.mark.usefixtures("in_demo")
@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name: str) -> None:
    found = doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS)
    assert found.attempted > 0
    assert found.failed == 0


def test_importing_says_nothing_and_loads_nothing_heavy() -> None:
    code = (
        "import engine, sys; assert 'polars' not in sys.modules; engine.open, engine.whatif, engine.compute"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_public_name_is_there_and_documented() -> None:
    import engine

    for name in engine.__all__:
        found = getattr(engine, name)
        assert found.__doc__, name
