"""Passwords and tokens in URLs and messages: where they are, and texts without them.

Each function takes time in proportion to the text: a driver's message may be long.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

MASK = "***"
SECRET = re.compile(r"pass|pwd|secret|token|credential|api_?key", re.IGNORECASE)
"""Part of the name of a secret parameter."""
NAME = re.compile(r"(?<![\w.%-])([\w.%-]+)\s*=\s*")
"""The name of a parameter, as a URL or a connection string spells it."""
VALUE = re.compile(r"'(?:[^'\\]|\\.)*'|\"[^\"]*\"|[^\s&]+")
SCHEME = re.compile(r"[^\w+.-]*[\w+.-]+:/{2,}")
LOCAL = re.compile(r"\s*(?:duckdb|parquet):", re.IGNORECASE)
"""Kinds of stores without a login; their paths may hold colons and `@`."""
USER = re.compile(r"[^:?#@]*")
Span = tuple[int, int]


def password_span(url: str) -> Span | None:
    """Return where the password of a URL begins and ends; None if there is none.

    It ends at the last `@`, whatever is unescaped in it. Mistyped URLs have one, too: without slashes, with
    one slash, without a colon, without a scheme.

    Args:
        url: As a user writes it, or a word of a sentence with a URL.
    """
    scheme = SCHEME.match(url)
    if scheme is None and LOCAL.match(url):
        return None
    user, end = USER.match(url, scheme.end() if scheme else 0), url.rfind("@")
    if user and user.end() < end and url[user.end()] == ":":
        return user.end() + 1, end
    return None


def masked_url(url: str) -> str:
    """Return a URL with its password and secret parameters masked.

    Args:
        url: As a user writes it.
    """
    return _without(url, [*_url_spans(url), *_pair_spans(url)])


def masked(text: str) -> str:
    """Return a text with the secrets of its URLs and connection strings masked.

    Args:
        text: Of a message, with any number of URLs and `key=value` pairs.
    """
    words = re.split(r"(\s+)", text)
    masked_words = "".join(masked_url(word) if "@" in word else word for word in words)
    return _without(masked_words, _pair_spans(masked_words))


def secrets(url: str) -> Iterator[str]:
    """Yield the passwords and tokens of a URL, as it spells them.

    Args:
        url: As a user writes it.
    """
    for start, end in _url_spans(url):
        yield url[start:end]


def _url_spans(url: str) -> Iterator[Span]:
    """Yield where the secrets of a URL begin and end: its password, and parameters behind a question mark."""
    if span := password_span(url):
        yield span
    start = url.find("?") + 1
    for pair in url[start:].split("&") if start else ():
        name, equals, value = pair.partition("=")
        if value and SECRET.search(unquote(name)):
            yield start + len(name + equals), start + len(pair)
        start += len(pair) + 1


def _pair_spans(text: str) -> Iterator[Span]:
    """Yield where the values of secret `name=value` pairs begin and end."""
    done = 0
    for name in NAME.finditer(text):
        # A value is looked at once only, or a text of nothing but `x=` would take the square of its length.
        if name.start() >= done and SECRET.search(unquote(name[1])):
            value = VALUE.match(text, name.end())
            if value:
                done = value.end()
                yield value.span()


def _without(text: str, spans: Iterable[Span]) -> str:
    """Return a text with a mask in place of each span; spans may overlap."""
    parts, done = [], 0
    for start, end in sorted(spans):
        if start >= done:
            parts += [text[done:start], MASK]
        done = max(done, end)
    return "".join([*parts, text[done:]])
