"""Entrances run on the event loop that workers run on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import uvloop

from tests.gateway.entrance.entrance import Issued, issued


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run them on uvloop: TLS, and what is left of a socket, are its own work."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def tls(tmp_path: Path) -> Issued:
    """Make a certificate for the gate, in files."""
    return issued(tmp_path)
