"""A hook of the site: words behind a fence's language, which are for the tests, are left out."""

from __future__ import annotations

import re
from typing import Any

FENCE = re.compile(r"^(```\w+) +(?:long|ray)$", re.MULTILINE)
"""A fence with a word of `tests/docs/test_commands.py`; Markdown would take it for no fence at all."""


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return the page with fences that have their language alone."""
    return FENCE.sub(r"\1", markdown)
