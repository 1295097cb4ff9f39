"""The structure of the code: what lies at the root of `engine`, and what its public names lead to."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import engine

ROOT = Path(__file__).parents[1]
TOP = ("engine", "loaders", "writers", "sql")
MOST_PACKAGES = 12
NEEDS_EXTRA = {"engine.batch.executors.cluster": "ray"}
"""Modules that need an optional dependency, which the tests' environment lacks."""


def modules() -> list[str]:
    names = []
    for top in TOP:
        package = importlib.import_module(top)
        names += [top, *(found.name for found in pkgutil.walk_packages(package.__path__, f"{top}."))]
    return [name for name in names if not name.endswith("__main__")]


def test_the_root_holds_packages_and_three_files() -> None:
    entries = {path.name: path for path in (ROOT / "engine").iterdir() if path.name != "__pycache__"}
    packages = {name for name, path in entries.items() if path.is_dir()}
    assert len(packages) <= MOST_PACKAGES
    assert set(entries) - packages == {"__init__.py", "__main__.py", "py.typed"}
    for name in packages:
        assert (ROOT / "engine" / name / "__init__.py").is_file(), name


def computing_modules() -> list[Path]:
    """Modules of the analytics and numerics that define a public function, relative to `engine`."""
    files = (
        path for family in ("analytics", "numerics") for path in (ROOT / "engine" / family).rglob("*.py")
    )
    return sorted(path.relative_to(ROOT / "engine") for path in files if _has_public_function(path))


def _has_public_function(path: Path) -> bool:
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    return any(isinstance(node, ast.FunctionDef) and not node.name.startswith("_") for node in nodes)


@pytest.mark.parametrize("module", computing_modules(), ids=str)
def test_every_computing_module_has_a_test_file_of_its_name(module: Path) -> None:
    """In the folder of the same name under `tests`, and the file imports from the module."""
    tests = ROOT / "tests" / module.with_name(f"test_{module.name}")
    assert tests.is_file(), f"engine/{module} has no test file {tests.relative_to(ROOT)}"
    name = ".".join(("engine", *module.with_suffix("").parts))
    assert f"from {name} import" in tests.read_text(encoding="utf-8"), f"{tests.name} does not import {name}"


@pytest.mark.parametrize("module", modules())
def test_every_module_can_be_imported_on_its_own(module: str) -> None:
    if module in NEEDS_EXTRA:
        pytest.importorskip(NEEDS_EXTRA[module])
    importlib.import_module(module)


def test_public_names_survive_the_import_of_every_module() -> None:
    """A submodule that bears a public name would replace it: `engine.backfill` must stay a function."""
    for module in modules():
        if module not in NEEDS_EXTRA:
            importlib.import_module(module)
    for name in engine.__all__:
        value = getattr(engine, name)
        assert isinstance(value, ModuleType) == (name == "whatif"), name
        assert callable(value) or name == "whatif", name
    assert engine.Rules.legacy() != engine.Rules.corrected()
    assert engine.load_scenarios().active


def test_whatif_is_an_attribute_and_an_import() -> None:
    code = "import engine.whatif as module, engine; assert module is engine.whatif; module.shock_prices"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_every_package_is_in_the_import_contract() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    exhaustive = [contract for contract in contracts if contract.get("exhaustive")]
    assert [contract["containers"] for contract in exhaustive] == [["engine"]]
    assert any(contract["type"] == "acyclic_siblings" for contract in contracts)


def test_the_console_script_is_the_module() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    module, _, function = settings["project"]["scripts"]["engine"].partition(":")
    assert callable(getattr(importlib.import_module(module), function))
    done = subprocess.run(
        [sys.executable, "-m", "engine", "--version"], check=True, cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout == f"engine {engine.__version__}\n"
