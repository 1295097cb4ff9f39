"""An extension of the Python reference: examples that stand bare in docstrings become code blocks.

Without it Markdown would take their `>>>` for a quotation in a quotation in a quotation.
"""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

EXAMPLE = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)
"""From a prompt at the margin to the next blank line."""


class Examples(Extension):
    """Fences examples."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Fence the examples of an object's docstring; griffe calls this once it has read the object."""
        if obj.docstring:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(text: str) -> str:
    """Return a cleaned docstring with its bare examples in fences.

    Args:
        text: without the indentation of the code.
    """
    return EXAMPLE.sub(lambda found: f"```pycon\n{found[0]}\n```", text)
