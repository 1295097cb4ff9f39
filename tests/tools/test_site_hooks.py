"""The hooks of the documentation site."""

from __future__ import annotations

import pytest

from tools.fences import on_page_markdown
from tools.mathml import mathml, on_page_content, separate


def test_formulas_of_a_line_are_told_apart_outside_of_braces_and_environments() -> None:
    assert [*separate(r"a \qquad \text{if \qquad b} \qquad c")] == ["a", r"\text{if \qquad b}", "c"]
    cases = r"\begin{cases} a \qquad b \\ c \end{cases}"
    assert [*separate(rf"{cases} \qquad d")] == [cases, "d"]
    with pytest.raises(AssertionError, match="not closed"):
        [*separate(r"\text{a \qquad b")]


def test_no_backslash_is_left_of_an_escaped_sign() -> None:
    for command in ("text", "texttt", "mathrm"):
        assert "\\" not in mathml(rf"\{command}{{std\_error}} + 5\%", "inline")


def test_each_formula_of_a_line_is_an_element() -> None:
    html = on_page_content(r'<div class="arithmatex">\[a &lt; b \qquad c\]</div>')
    assert html.startswith('<div class="formulas"><math')
    assert html.count("<math") == html.count('display="block"') == 2
    assert "&#x0003C;" in html, "the sign below, not a tag"


def test_words_for_the_tests_leave_the_fences() -> None:
    page = '```bash long\nengine runs\n```\n```toml title="engine.toml"\n```\n'
    assert on_page_markdown(page) == page.replace("bash long", "bash")
