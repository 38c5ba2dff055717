"""What tests of the gateway's front share."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from gateway.keys import KeyRing
from tests.gateway.identity.directory_parts import authority, desktop, fire, police
from tests.gateway.pages.world import World, new_world
from tests.gateway.stand import Opened, Stand, stand

__all__ = ["authority", "desktop", "fire", "front_world", "police", "record_keys"]


@pytest.fixture(scope="session")
def record_keys(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    """Give a key ring; making one costs many writes to the disk."""
    return KeyRing.init(tmp_path_factory.mktemp("ring") / "keys")


@pytest.fixture(scope="session")
def front_world() -> World:
    """Give pages over the shipped policy set; making them takes a moment, and they keep nothing."""
    return new_world()


@pytest.fixture
def opened(tmp_path: Path, front_world: World, record_keys: KeyRing) -> Opened:
    """Give what opens a gate of this test's own; see `stand` for what may be given."""

    def make(**given: Any) -> AbstractAsyncContextManager[Stand]:
        return stand(tmp_path, front_world, record_keys, **given)

    return make
