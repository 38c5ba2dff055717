"""What tests of the gateway's front share."""

from __future__ import annotations

import pytest

from gateway.keys import KeyRing
from tests.gateway.identity.directory_parts import authority, desktop, fire, police
from tests.gateway.pages.world import World, new_world

__all__ = ["authority", "desktop", "fire", "front_world", "police", "record_keys"]


@pytest.fixture(scope="session")
def record_keys(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    """Give a key ring; making one costs many writes to the disk."""
    return KeyRing.init(tmp_path_factory.mktemp("ring") / "keys")


@pytest.fixture(scope="session")
def front_world() -> World:
    """Give pages over the shipped policy set; making them takes a moment, and they keep nothing."""
    return new_world()
