"""A hook of the site: formulas become MathML, which every browser draws without a script.

A browser needs a font with a table of mathematics to put numerators, roots and scripts where they belong. Few
readers have one, so that the site brings STIX Two Math, out of the package ziamath.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from importlib.resources import files
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

INLINE = re.compile(r'<span class="arithmatex">\\\((.+?)\\\)</span>', re.DOTALL)
BLOCK = re.compile(r'<div class="arithmatex">\\\[(.+?)\\\]</div>', re.DOTALL)
ESCAPED = re.compile(r"\\([_%#&$])")
"""Signs that LaTeX needs a backslash for, which the converter leaves in texts."""
SPACE = r"\qquad"
"""Separates formulas of a line; each may stand in a line of its own where the window is narrow."""
FONT = "STIXTwoMath-Regular.ttf"


def on_files(site: Files, config: Any, **_: Any) -> Files:
    """Return the site's files with the font.

    Args:
        site: the files of the documentation.
        config: MkDocs' own.
    """
    font = files("ziamath.fonts").joinpath(FONT)
    site.append(File.generated(config, f"assets/{FONT}", abs_src_path=str(font)))
    return site


def on_page_content(html: str, **_: Any) -> str:
    """Return the page with its `$...$` and `$$...$$` in MathML."""
    html = INLINE.sub(lambda found: mathml(unescape(found[1]), "inline"), html)
    return BLOCK.sub(lambda found: _block(unescape(found[1])), html)


def mathml(formula: str, display: str) -> str:
    """Return a formula in MathML.

    Args:
        formula: in LaTeX.
        display: `inline` or `block`.
    """
    converted: str = convert(formula, display=display)
    return ESCAPED.sub(r"\1", converted)


def _block(formulas: str) -> str:
    parts = "".join(mathml(part, "block") for part in separate(formulas))
    return f'<div class="formulas">{parts}</div>'


def separate(formulas: str) -> Iterator[str]:
    r"""Yield the formulas of a line that `\qquad` separates outside of braces and environments.

    Args:
        formulas: in LaTeX.
    """
    whole = ""
    for part in formulas.split(SPACE):
        whole += part
        if whole.count("{") == whole.count("}") and whole.count(r"\begin") == whole.count(r"\end"):
            yield whole.strip()
            whole = ""
        else:
            whole += SPACE
    assert not whole, f"a brace or an environment is not closed: {formulas}"
