"""Installed files against their record, both ways."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest

from tools.installed_files import altered, unrecorded

FILES = {"idea/__init__.py": "x = 1\n", "idea/core.py": "y = 2\n", "../bin/idea": "#!python\n"}


def hashed(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """An environment with one package, whole."""
    site, info = tmp_path / "site", tmp_path / "site" / "idea-1.0.dist-info"
    info.mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    (site / "idea" / "__pycache__").mkdir(parents=True)
    for name, text in FILES.items():
        (site / name).write_text(text)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: idea\nVersion: 1.0\n")
    lines = [f"{name},sha256={hashed(text)},{len(text)}" for name, text in FILES.items()]
    metadata = hashed((info / "METADATA").read_text())
    lines += [f"{info.name}/METADATA,sha256={metadata},1", f"{info.name}/RECORD,,"]
    (info / "RECORD").write_text("\n".join(lines))
    for name in ("core.cpython-311.pyc", "core.cpython-311-pytest-9.2.0.pyc"):
        (site / "idea" / "__pycache__" / name).write_text("compiled")
    (tmp_path / "bin" / "python3.11").touch()
    return site


def problems(site: Path) -> list[str]:
    packages: list[Distribution] = list(distributions(path=[str(site)]))

    def found() -> Iterator[str]:
        for package in packages:
            yield from altered(package)
        yield from unrecorded(packages, site, site.parent / "bin")

    return list(found())


def test_a_whole_package(site: Path) -> None:
    assert problems(site) == []


def without_line(record: Path, name: str) -> None:
    record.write_text("\n".join(line for line in record.read_text().splitlines() if name not in line))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "altered": (lambda site: (site / "idea/core.py").write_text("evil"), "is not what"),
    "gone": (lambda site: (site / "idea/core.py").unlink(), "and gone"),
    "module added": (lambda site: (site / "idea/evil.py").touch(), "idea/evil.py was added"),
    "module added at the top": (
        lambda site: (site / "sitecustomize.py").touch(),
        "sitecustomize.py was added",
    ),
    "pth added": (lambda site: (site / "evil.pth").write_text("import os"), "evil.pth was added"),
    "sourceless module added": (lambda site: (site / "idea/evil.pyc").touch(), "evil.pyc was added"),
    "cached module of no source": (
        lambda site: (site / "idea/__pycache__/evil.cpython-311.pyc").touch(),
        "evil.cpython-311.pyc was added",
    ),
    "link added": (lambda site: (site / "other").symlink_to("/"), "other was added"),
    "command added": (lambda site: (site.parent / "bin/evil").touch(), "bin/evil was added"),
    "line of the record gone": (
        lambda site: without_line(site / "idea-1.0.dist-info/RECORD", "core.py"),
        "idea/core.py was added",
    ),
    "record gone": (lambda site: (site / "idea-1.0.dist-info/RECORD").unlink(), "no record"),
    "sourceless module recorded without a hash": (
        lambda site: (site / "idea-1.0.dist-info/RECORD").write_text("idea/core.pyc,,\n"),
        "core.pyc is recorded without a hash",
    ),
    "hash taken out of the record": (
        lambda site: (site / "idea-1.0.dist-info/RECORD").write_text("idea/core.py,,\n"),
        "without a hash",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named(name: str, site: Path) -> None:
    damage, words = DAMAGE[name]
    damage(site)
    assert [problem for problem in problems(site) if words in problem]
