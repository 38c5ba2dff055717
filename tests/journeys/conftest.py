"""The whole demo, started once for all journeys of a test process, on free ports of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from deploy.demo.places import Places
from deploy.demo.scenario import Scenario, load_scenario
from deploy.demo.stack import Stack
from tests.doubles.few_staff import few_staff
from tests.journeys.demo_fixture import Demo

CHROMIUM = Path("/usr/bin/chromium")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here as a journey."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.journey)


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """Give a running demo: directories, back office, gateway with two workers, sequencer.

    What it stored is removed afterwards. A test that stops or kills something takes `breakable`.
    """
    yield from running_demo(load_scenario())


@pytest.fixture(scope="session")
def breakable() -> Iterator[Demo]:
    """Give a demo of which parts may be stopped and killed, if they are started again."""
    yield from running_demo(few_staff())


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Give a browser, for the tests of one file.

    While it is there an event loop runs in this process, and no other test could start its own.
    """
    if not CHROMIUM.exists():
        pytest.skip("Debian's chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


def running_demo(scenario: Scenario, make: Callable[..., Stack] = Stack) -> Iterator[Demo]:
    """Start a demo on free ports, made by the given kind, and end it with all it stored."""
    # Not below pytest's own folder: a path of slapd's must stay short, and nothing is kept.
    folder = Path(tempfile.mkdtemp(prefix="journeys-"))
    stack = make(places=Places.choose(folder, None, scenario=scenario), say=print)
    try:
        stack.start()
        yield Demo(stack=stack)
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)
