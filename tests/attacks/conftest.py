"""The whole real stack under attack, with a relay that sees every byte it sends on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.target import Target, relayed_target


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here as an attack."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.attack)


@pytest.fixture(scope="session")
def target() -> Iterator[Target]:
    """Give the stack that the attacks are made on; what it stored is removed afterwards."""
    with relayed_target() as made:
        yield made
