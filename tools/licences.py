"""Licences under which the engine may be used commercially, and what an installed package says of its own.

A list of what is allowed: a licence that is not on it, or none at all, is refused. `pip-licenses` lists the
same metadata and reads no SPDX expression.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageMetadata

ALLOWED = {
    *(
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "HPND",
        "ISC",
        "MIT",
        "MIT-0",
        "PSF-2.0",
    ),
    *("Python-2.0", "Unlicense", "Zlib"),
    "MPL-2.0",  # files of the package that are changed must be published; none is
    *("LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later"),  # imported, not copied
}
"""SPDX identifiers."""
SAYINGS = {
    "apache": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "2-clause bsd": "BSD-2-Clause",
    "bsd 2-clause license": "BSD-2-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "the unlicense (unlicense)": "Unlicense",
}
"""SPDX identifiers by what packages write instead, in lower case."""
READ = {"peewee": "MIT"}
"""Packages whose metadata names no licence, by what the licence file says that they install."""
TOKEN = re.compile(r"\s*(\(|\)|[\w.+-]+)")


def is_allowed(expression: str) -> bool:
    """Return whether an SPDX expression allows commercial use: one part of an OR, all parts of an AND.

    An exception (`WITH`) is refused: none has been read.

    Args:
        expression: as `License-Expression` has it.
    """
    tokens = TOKEN.findall(expression)
    if "".join(tokens) != "".join(expression.split()):
        return False
    try:
        return _any_of(tokens) and not tokens
    except IndexError:  # it ends in the middle
        return False


def _any_of(tokens: list[str]) -> bool:
    allowed = _all_of(tokens)
    while tokens and tokens[0].upper() == "OR":
        del tokens[0]
        allowed |= _all_of(tokens)
    return allowed


def _all_of(tokens: list[str]) -> bool:
    allowed = _one(tokens)
    while tokens and tokens[0].upper() == "AND":
        del tokens[0]
        allowed &= _one(tokens)
    return allowed


def _one(tokens: list[str]) -> bool:
    name = tokens.pop(0)
    if name != "(":
        return name in ALLOWED
    allowed = _any_of(tokens)
    return tokens.pop(0) == ")" and allowed


def refusal(name: str, metadata: PackageMetadata) -> str | None:
    """Return why a package's licence is refused, None if it is allowed.

    Args:
        name: of the package.
        metadata: of the package; an expression counts alone, else all that it says must be allowed.
    """
    if expression := metadata.get("License-Expression"):
        return None if is_allowed(expression) else f"licence {expression} is not allowed"
    classifiers = metadata.get_all("Classifier") or []
    texts = [line.split("::")[-1].strip() for line in classifiers if _is_licence(line)]
    first = (metadata.get("License") or "").strip().split("\n")[0].strip()
    # Some packages put the whole text of their licence there, which begins with the copyright.
    if first and first != "UNKNOWN" and not (texts and first.startswith("Copyright")):
        texts.append(first)
    others = [text for text in texts if not is_allowed(SAYINGS.get(text.lower(), text))]
    if others:
        return f"licence {', '.join(others)} is not allowed"
    return None if texts or name in READ else "no licence is named: read its licence file"


def _is_licence(classifier: str) -> bool:
    return classifier.startswith("License ::") and classifier != "License :: OSI Approved"
