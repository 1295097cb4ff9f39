"""The structure of the code: what lies at the root of `engine`, and what its public names lead to."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import engine

ROOT = Path(__file__).parents[1]
TOP = ("engine", "loaders", "writers", "sql")
MOST_PACKAGES = 12
NEEDS_EXTRA = {"engine.batch.executors.cluster": "ray"}
"""Modules that need an optional dependency, which the tests' environment lacks."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


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


def public_functions(tree: ast.Module) -> Iterator[tuple[ast.ClassDef | None, Function]]:
    """Yield the public functions of a module and the public methods of its public classes."""
    scopes: list[tuple[ast.ClassDef | None, list[ast.stmt]]] = [(None, tree.body)]
    while scopes:
        owner, nodes = scopes.pop()
        for node in nodes:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                scopes.append((node, node.body))
            elif isinstance(node, Function) and not node.name.startswith("_"):
                yield owner, node


def parameters(owner: ast.ClassDef | None, function: Function) -> list[str]:
    """Return a function's parameters, without self, cls and those whose name marks them as unused."""
    names = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
    static = any(isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in function.decorator_list)
    if owner is not None and not static:
        del names[0]
    rest = (function.args.vararg, *function.args.kwonlyargs, function.args.kwarg)
    names += [each.arg for each in rest if each is not None]
    return [name for name in names if not name.startswith("_")]


def documented_arguments(docstring: str) -> list[str]:
    """Return the names in the Args section of a docstring, in its order."""
    section = re.search(r"^Args:\n((?: {4}.*\n|\n)+)", f"{docstring}\n", re.MULTILINE)
    return re.findall(r"^ {4}\*{0,2}(\w+):", section[1], re.MULTILINE) if section else []


def test_functions_with_several_parameters_document_each() -> None:
    """An Args section names every parameter in order. A method without a docstring overrides one with it."""
    files = [path for top in (*TOP, "tools") for path in sorted((ROOT / top).rglob("*.py"))]
    functions = [
        (path.relative_to(ROOT), owner, function, ast.get_docstring(function))
        for path in files
        for owner, function in public_functions(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert len(functions) > 1000
    interfaces = {function.name for _, owner, function, text in functions if owner is not None and text}
    wrong = []
    for path, owner, function, text in functions:
        names = parameters(owner, function)
        place = f"{path}:{function.lineno} {function.name}({', '.join(names)})"
        if text is None:
            if function.name not in interfaces:
                wrong.append(f"{place} has no docstring")
        elif (stated := documented_arguments(text)) != names and (stated or len(names) > 1):
            wrong.append(f"{place} documents {stated}")
    assert not wrong, "\n".join(wrong)


def test_docstrings_begin_with_no_question_word() -> None:
    """Functions begin with a verb, which ruff does not ask of properties, constants and tests."""
    question = re.compile(r'^\s*"""(?:What|Whether|How|Who|Whom|Where|Why)\b', re.MULTILINE)
    files = [path for top in (*TOP, "tools", "tests") for path in (ROOT / top).rglob("*.py")]
    lines = [f"{path}: {start[0]}" for path in files for start in question.finditer(path.read_text("utf-8"))]
    assert not lines, "\n".join(lines)
