"""A real register in a database of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Connection, create_engine

from vetting.levels import LevelOrder
from vetting.register import Register, metadata

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as opened:
        yield opened
    engine.dispose()


@pytest.fixture(scope="session")
def order() -> LevelOrder:
    return LevelOrder.shipped()


@pytest.fixture
def register(order: LevelOrder) -> Register:
    return Register(order, accepted=frozenset({"cheshire-police"}))
