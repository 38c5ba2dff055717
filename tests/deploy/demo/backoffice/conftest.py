"""A back office on a free port, and keys that sign as the gateway does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.demo.backoffice.application import BackOffice
from deploy.demo.backoffice.people import People
from deploy.demo.backoffice.server import BackOfficeServer
from deploy.demo.backoffice.store import Store
from deploy.demo.scenario import load_scenario
from deploy.demo.staff import staff_of
from tests.doubles.assertion_signer import NOW, Signer


@pytest.fixture(scope="module")
def signer() -> Iterator[Signer]:
    """Somebody whose signatures the back office of this module believes."""
    signing = Signer()
    yield signing
    signing.close()


@pytest.fixture(scope="module")
def people() -> People:
    scenario = load_scenario()
    organisations = scenario.organisations
    staff = (one for each in organisations for one in staff_of(each, scenario.accounts))
    return People.of(staff, organisations)


@pytest.fixture(scope="module")
def back_office(
    signer: Signer, people: People, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BackOfficeServer]:
    """A back office that listens."""
    folder: Path = tmp_path_factory.mktemp("backoffice")
    ending = threading.Event()
    store = Store(folder / "backoffice.sqlite")
    clock: Callable[[], datetime] = lambda: datetime.fromtimestamp(NOW, UTC)  # noqa: E731
    office = BackOffice(
        store=store, verifier=signer.verifier(), people=people, now=clock, wait=ending.wait
    )
    server = BackOfficeServer(0, office, folder / "requests.log")
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield server
    ending.set()
    server.shutdown()
    server.server_close()
    store.close()
