"""Compiled modules against their sources, as Python and pytest make them."""

from __future__ import annotations

import marshal
import os
import py_compile
import subprocess
import sys
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import PYTEST_TAG

from tools.compiled_modules import HEADER, tampered

ROOT = Path(__file__).parents[2]
EVIL = compile("import os\n", "core.py", "exec")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of packages with a plugin, compiled in every way."""
    package = tmp_path / "site" / "idea"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "core.py").write_text('"""Text."""\n\n\ndef f(x):\n    assert x\n    return {x: 1}\n')
    for level in (0, 1, 2):
        py_compile.compile(str(package / "core.py"), optimize=level, quiet=1)
    (tmp_path / "conftest.py").write_text(
        "import pytest\npytest.register_assert_rewrite('idea')\nimport idea.core\n"
    )
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": ""},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    return package.parent


def compiled(site: Path) -> dict[str, Path]:
    return {path.name: path for path in (site / "idea" / "__pycache__").glob("core.*")}


def test_modules_as_they_were_compiled(site: Path) -> None:
    assert len(compiled(site)) == 4
    assert f"core.{PYTEST_TAG}.pyc" in compiled(site)
    assert list(tampered(site)) == []


def test_other_code_is_named_in_every_kind(site: Path) -> None:
    for path in compiled(site).values():
        path.write_bytes(path.read_bytes()[:HEADER] + marshal.dumps(EVIL))
    assert len(list(tampered(site))) == len(compiled(site)) == 4


@pytest.mark.parametrize("content", [b"", b"none", b"more"])
def test_code_that_cannot_be_read_is_named_but_where_python_compiles_again(
    content: bytes, site: Path
) -> None:
    path = compiled(site)[f"core.{sys.implementation.cache_tag}.pyc"]
    header = path.read_bytes()[:HEADER]
    path.write_bytes(header + content)
    assert len(list(tampered(site))) == 1
    path.write_bytes(b"\0\0\0\0" + header[4:] + marshal.dumps(EVIL))
    assert list(tampered(site)) == []


def test_an_environment_without_pytest_is_audited_too() -> None:
    code = (
        "import sys; sys.modules['_pytest'] = None; import tools.compiled_modules as m; print(*m.COMPILERS)"
    )
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    tag = sys.implementation.cache_tag
    assert shown.stdout.split() == [f"{tag}.pyc", f"{tag}.opt-1.pyc", f"{tag}.opt-2.pyc"]
