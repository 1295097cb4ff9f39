"""Empty stores of each kind, as the tests of stores have them."""

from tests.stores.conftest import empty_store

__all__ = ["empty_store"]
