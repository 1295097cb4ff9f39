"""Files of an environment against what its packages recorded (RECORD), both ways.

No well-kept tool does it: pip checks hashes when it installs, and never again.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection, Iterator
from importlib.metadata import Distribution
from pathlib import Path

WITHOUT_HASH = re.compile(r"__pycache__/[^/]*\.pyc$|\.dist-info/RECORD$")
"""Files that are made or changed after their RECORD is written: see `tools.compiled_modules`."""
CACHED = re.compile(r"(\w+)\.cpython-\d+[\w.-]*\.pyc")
"""A compiled module; pytest's have its version in the name."""
OF_THE_INTERPRETER = re.compile(r"python[\d.]*|activate(\.\w+)?|Activate\.ps1|pip[\d.]*")
"""Files in the folder of scripts that `python -m venv` makes."""


def altered(package: Distribution) -> Iterator[str]:
    """Yield the files of a package that are gone, are not what was recorded, or were recorded without a hash.

    Args:
        package: installed.
    """
    if not package.files:
        yield f"{package.name}: it has no record of its files"
    for file in package.files or ():
        path = Path(str(file.locate()))
        if file.hash is None:
            if not WITHOUT_HASH.search(str(file)):
                yield f"{package.name}: {file} is recorded without a hash"
        elif not path.is_file():
            yield f"{package.name}: {file} is recorded, and gone"
        elif _digest(path, file.hash.mode) != file.hash.value:
            yield f"{package.name}: {file} is not what the package recorded"


def _digest(path: Path, mode: str) -> str:
    digest = hashlib.new(mode, path.read_bytes()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def unrecorded(packages: Collection[Distribution], site: Path, scripts: Path) -> Iterator[str]:
    """Yield the files that no package recorded: each may run, a `.pth` file even at every start.

    Args:
        packages: all that are installed.
        site: the folder of packages.
        scripts: the folder of commands.
    """
    known = {Path(str(file.locate())).resolve() for package in packages for file in package.files or ()}
    for folder in (site, scripts):
        for path in sorted(folder.rglob("*")):
            own = folder == scripts and OF_THE_INTERPRETER.fullmatch(path.name)
            if (path.is_symlink() or not path.is_dir()) and not own and _source(path) not in known:
                yield f"{path.relative_to(folder.parent)} was added by no package"


def _source(path: Path) -> Path:
    """Return the source of a cached module, else the file itself; a link stands for itself."""
    cached = CACHED.fullmatch(path.name) if path.parent.name == "__pycache__" else None
    source = path.parent.parent / f"{cached[1]}.py" if cached else path
    return source.parent.resolve() / source.name
