"""How `make test` shares the tests between its workers: a file, or what shares a server, whole.

Test by test, both workers would set up the fixtures of every file, and the scheduler, which looks
at all it has ever given a worker, would take longer with each of ten thousand tests.
"""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterator

import pytest
import structlog
from typing_extensions import override
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]  # it has no types

SHARED = ("tests/journeys/", "tests/attacks/", "tests/gateway/identity/")
"""Folders whose tests share a demo or a domain controller; the longest is the first."""

LONG = ("tests/gateway/pages/test_in_a_browser.py",)
"""Files that take longer than a minute."""


@pytest.fixture(autouse=True)
def log_as_it_was() -> Iterator[None]:
    """Whatever a test starts in this process, its log and level are not those of the next test."""
    yield
    structlog.reset_defaults()


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """What is collected stays: no garbage collector need walk half a million things for it."""
    del session
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByServer:
    """Share the tests as said above, in the order in which they come."""
    config.option.loadscopereorder = False
    return ByServer(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no worker is left with it when the other has ended."""
    if hasattr(config, "workerinput"):
        first = (*SHARED, *LONG)
        items.sort(key=lambda item: [not item.nodeid.startswith(each) for each in first])


class ByServer(LoadFileScheduling):  # type: ignore[misc]  # of no types
    """Gives a worker a whole file, or a whole folder whose tests share a server."""

    @override
    def _split_scope(self, nodeid: str) -> str:
        return next((each for each in SHARED if nodeid.startswith(each)), nodeid.partition("::")[0])
