"""Entrances run on the event loop that workers run on."""

from tests.gateway.entrance.conftest import pytest_asyncio_loop_factories, tls

__all__ = ["pytest_asyncio_loop_factories", "tls"]
