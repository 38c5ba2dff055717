"""One worker at a time, and the next one when the first is gone."""

from __future__ import annotations

from datetime import timedelta

from gateway.identity.sessions.lease import Lease
from tests.gateway.identity.parts import AT, Parts, later

SPAN = timedelta(seconds=20)


def test_one_of_several_holds_it_until_it_stops_extending(parts: Parts) -> None:
    first, second = (Lease(parts.store, "task", span=SPAN) for _ in range(2))

    assert first.hold(at=AT)
    assert not second.hold(at=later(seconds=19))
    assert first.hold(at=later(seconds=19))
    assert not second.hold(at=later(seconds=38))
    assert second.hold(at=later(seconds=39))
    assert not first.hold(at=later(seconds=40))


def test_a_lease_that_is_given_back_is_free_at_once(parts: Parts) -> None:
    first, second = (Lease(parts.store, "task", span=SPAN) for _ in range(2))
    first.hold(at=AT)
    second.release()

    assert not second.hold(at=AT)
    first.release()
    assert second.hold(at=AT)


def test_another_task_is_another_lease(parts: Parts) -> None:
    assert Lease(parts.store, "one", span=SPAN).hold(at=AT)
    assert Lease(parts.store, "two", span=SPAN).hold(at=AT)
