"""An end holds at the next request on its machine, and within a second on the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from gateway.identity.sessions.session_ending import Whose
from tests.doubles.promise import Promise
from tests.journeys.two_gateways import TwoGateways, two_gateways

pytestmark = pytest.mark.journey

PROMISED_SECONDS = 1.0


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoGateways]:
    """Start two gateways of four workers on one database."""
    with two_gateways(tmp_path_factory.mktemp("two")) as made:
        yield made


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 -- the gateways live now


@pytest.mark.parametrize(
    "whose",
    [
        lambda name: Whose(person=f"cheshire-fire/{name}"),
        lambda _: Whose(organisation="cheshire-fire"),
        lambda _: Whose(directory="cheshire-fire"),
        lambda _: Whose(everyone=True),
    ],
    ids=["person", "organisation", "directory", "everyone"],
)
def test_an_end_holds_at_once_here_and_within_a_second_there(
    both: TwoGateways, whose: Callable[[str], Whose], request: pytest.FixtureRequest
) -> None:
    name = f"n{abs(hash(request.node.name)) % 10_000}"
    token, _ = both.sign_in(name, name)
    assert both.here.statuses(token) == {200}
    assert both.there.statuses(token) == {200}
    both.sessions.end_all(whose(name), at=now(), reason="ended-by-officer")
    promise = Promise(PROMISED_SECONDS, both.there.workers)

    assert both.here.statuses(token) == {303}  # all four workers, at the very next request
    while both.there.statuses(token) != {303}:
        assert time.monotonic() < promise.latest
    assert both.there.statuses(token) == {303}


def test_what_a_provider_ends_holds_at_once_here_and_within_a_second_there(
    both: TwoGateways,
) -> None:
    """Its sessions, and the sign-ins there that still wait for their second factor."""
    token, stage = both.sign_in_at_provider("jo", "sid-1")
    colleague, waits = both.sign_in_at_provider("sam", "sid-2")
    step = {"path": "/-/sign-in/second-step", "cookie": "-stage"}
    for gateway in (both.here, both.there):
        assert gateway.statuses(token) == gateway.statuses(stage, **step) == {200}
    assert both.sign_out_at_provider("sid-1") == 200
    promise = Promise(PROMISED_SECONDS, both.there.workers)

    assert both.here.statuses(token) == {303}  # all four workers, at the very next request
    assert both.here.statuses(stage, **step) == both.there.statuses(stage, **step) == {303}
    while both.there.statuses(token) != {303}:
        assert time.monotonic() < promise.latest
    assert both.there.statuses(token) == {303}
    assert both.there.statuses(colleague) == both.there.statuses(waits, **step) == {200}


def test_an_unused_worker_lets_in_nobody_whose_session_ended(both: TwoGateways) -> None:
    """What it never held in memory it reads from the database."""
    token, session = both.sign_in("late", "late")
    both.sessions.end(session.hash, at=now())

    assert both.here.statuses(token) == {303}
    assert both.there.statuses(token) == {303}
