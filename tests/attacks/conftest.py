"""The whole real stack under attack, with a relay that sees every byte it sends on."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typing_extensions import override

from deploy.demo.places import Places
from tests.attacks.programs import AskedStack
from tests.attacks.relay import Relay
from tests.attacks.target import Target
from tests.doubles.few_staff import few_staff


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here as an attack."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.attack)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedPlaces(Places):
    """Places in which the gateway finds the relay where the back office would be."""

    relay_port: int

    @property
    @override
    def back_office(self) -> str:
        return f"http://127.0.0.1:{self.relay_port}"


@pytest.fixture(scope="session")
def target() -> Iterator[Target]:
    """Give the stack that the attacks are made on; what it stored is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="attacks-"))
    chosen = Places.choose(folder, None, scenario=few_staff())
    relay = Relay(chosen.back_office_port)
    places = RelayedPlaces(
        folder=chosen.folder,
        port=chosen.port,
        back_office_port=chosen.back_office_port,
        server_ports=chosen.server_ports,
        scenario=chosen.scenario,
        relay_port=relay.port,
    )
    stack = AskedStack(places=places, say=print)
    try:
        stack.start()
        yield Target(stack=stack, relay=relay)
    finally:
        stack.stop()
        relay.close()
        shutil.rmtree(folder, ignore_errors=True)
