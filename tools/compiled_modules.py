"""Compiled modules of an environment against their sources.

No package records a hash of what Python compiles, and Python runs it in place of the source. So each is
compiled again and compared.
"""

from __future__ import annotations

import ast
import marshal
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from types import CodeType

try:
    from _pytest.assertion import rewrite
except ImportError:  # an environment without pytest, where nothing runs what pytest compiled
    rewrite = None  # type: ignore[assignment]

HEADER = 16
"""Bytes before the code: magic number, flags, and the source's time and size or its hash."""


def tampered(site: Path) -> Iterator[str]:
    """Yield the compiled modules that Python or pytest would run, and that are not what their sources say.

    Those of other versions are never run. A module whose source is gone is left to the check of added files.

    Args:
        site: Folder of packages, whose sources have been checked.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the sources, such as an escape that is none
        for path in sorted(site.rglob("__pycache__/*.pyc")):
            name, _, tag = path.name.partition(".")
            source = path.parent.parent / f"{name}.py"
            if (code := COMPILERS.get(tag)) and source.is_file() and not _same(path, source, code):
                yield f"{path.relative_to(site.parent)} is not what its source compiles to: remove it"


def _same(path: Path, source: Path, code: Callable[[bytes, str], CodeType]) -> bool:
    content = path.read_bytes()
    if content[: len(MAGIC_NUMBER)] != MAGIC_NUMBER:
        return True  # Python compiles the source again
    try:
        found = marshal.loads(content[HEADER:])  # noqa: S302  loaded, not run
        return bool(found == code(source.read_bytes(), str(source)))
    except (EOFError, ValueError, TypeError, SyntaxError):
        return False


def _compiler(optimize: int) -> Callable[[bytes, str], CodeType]:
    return lambda source, name: compile(source, name, "exec", dont_inherit=True, optimize=optimize)


def _rewritten(source: bytes, name: str) -> CodeType:
    """Return a module as pytest compiles it, with its assertions rewritten."""
    tree = ast.parse(source, filename=name)
    rewrite.rewrite_asserts(tree, source, name)
    return compile(tree, name, "exec", dont_inherit=True)


TAG = f"{sys.implementation.cache_tag}"
COMPILERS = {
    f"{TAG}.pyc": _compiler(0),
    f"{TAG}.opt-1.pyc": _compiler(1),
    f"{TAG}.opt-2.pyc": _compiler(2),
    **({f"{rewrite.PYTEST_TAG}.pyc": _rewritten} if rewrite else {}),
}
"""The ways in which modules are compiled, by the end of their names."""
