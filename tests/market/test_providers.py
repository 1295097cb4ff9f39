"""The registry of providers."""

from __future__ import annotations

import pytest

from engine.core.errors import UsageError
from loaders.market import RequestPolicy
from loaders.providers import PROVIDERS, open_provider


@pytest.mark.parametrize("name", [None, *PROVIDERS])
def test_a_registered_provider_offers_every_kind_of_data(name: str | None) -> None:
    with open_provider(name, RequestPolicy(rate=1)) as provider:
        assert provider.name
        assert list(provider.prices([])) == []
        assert list(provider.profiles([])) == []
        assert list(provider.fundamentals([])) == []


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=f"'nobody' is no provider.*{next(iter(PROVIDERS))}"):
        open_provider("nobody")
