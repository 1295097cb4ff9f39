"""Registry of market data providers.

A new provider is a folder beside `loaders.yahoo` with a class for the protocol
`loaders.market.Provider`, and an entry here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.core.errors import UsageError
from loaders.market import Provider, RequestPolicy
from loaders.yahoo import Yahoo

PROVIDERS: Mapping[str, Callable[[RequestPolicy], Provider]] = {"yahoo": Yahoo}
"""Makers of providers by name; the first is the default."""


def open_provider(name: str | None = None, policy: RequestPolicy | None = None) -> Provider:
    """Open a provider of market data; use it as a context manager.

    Args:
        name: a key of `PROVIDERS`; default the first.
        policy: rate and retries of its requests.

    Returns:
        The provider; it connects with its first request.

    Raises:
        UsageError: no provider has this name.
    """
    name = next(iter(PROVIDERS)) if name is None else name
    if name not in PROVIDERS:
        raise UsageError(f"'{name}' is no provider of market data", f"Known: {', '.join(PROVIDERS)}")
    return PROVIDERS[name](policy or RequestPolicy())
