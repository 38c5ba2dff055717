"""Style sheets, scripts and images: which they are, and how often they are written down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.audit.entry import Outcome, Phase
from gateway.backoffice.canonical import canonicalise_target
from gateway.identity.sessions.live_session import LiveSession
from gateway.resources import ResourcePaths, ResourceTally
from tests.gateway.identity.parts import AT, new_parts, us
from tests.gateway.visits import new_visit, request

MINUTE_US = 60_000_000


@pytest.fixture
def lives(tmp_path: Path) -> Iterator[list[LiveSession]]:
    """Give the live sessions of two people."""
    with new_parts(tmp_path) as parts:
        tokens = [parts.sign_in()[0], parts.sign_in("bob", "40012")[0]]
        found = [parts.cache.load(token, at=AT) for token in tokens]
        yield [live for live in found if live is not None]


@pytest.mark.parametrize(
    ("method", "path", "system"),
    [
        ("GET", "/style.css", "ebs"),
        ("HEAD", "/style.css", "ebs"),
        ("POST", "/style.css", None),
        ("GET", "/style.css/x", None),
        ("GET", "/OA_MEDIA/a/b.png", "ebs"),
        ("GET", "/OA_MEDIA/", None),
        ("GET", "/OA_MEDIA", None),
        ("GET", "/OA_MEDIAX/a.png", None),
        ("GET", "/fleet.js", "fleet"),
    ],
)
def test_a_resource_is_what_is_listed(method: str, path: str, system: str | None) -> None:
    paths = ResourcePaths({"ebs": ["/style.css", "/OA_MEDIA/*"], "fleet": ["/fleet.js"]})

    target = canonicalise_target(path.encode(), frozenset())
    assert paths.system_of(method, target, ()) == system


def test_resources_are_counted_by_session_system_and_minute(lives: list[LiveSession]) -> None:
    tally = ResourceTally()
    alice, bob = lives

    def count(live: LiveSession, system: str, minute: int = 0) -> object:
        at_us = us(AT) + minute * MINUTE_US
        return tally.count(new_visit(request(), live=live, at_us=at_us), live, system)

    first = count(alice, "ebs")

    assert count(alice, "ebs") is first
    assert len({id(first), id(count(bob, "ebs")), id(count(alice, "fleet"))}) == 3
    assert count(alice, "ebs", 1) is not first


def test_the_first_of_a_minute_names_who_and_the_count_follows(lives: list[LiveSession]) -> None:
    tally = ResourceTally()
    visit = new_visit(request(), live=lives[0])
    counted = tally.count(visit, lives[0], "ebs")
    for _ in range(3):
        tally.count(visit, lives[0], "ebs")
    early = tally.flush(us(AT))
    (rest,) = tally.flush(us(AT) + MINUTE_US)

    assert early == []
    assert (counted.first.staff_id, counted.first.outcome, counted.first.system) == (
        "cheshire-fire/id-alice",
        Outcome.PERMIT,
        "ebs",
    )
    assert (rest.count, rest.corr, rest.code, rest.system) == (
        3,
        counted.first.id,
        "resources",
        "ebs",
    )
    assert rest.phase is counted.first.phase is Phase.RESULT
    assert tally.flush(us(AT) + MINUTE_US, everything=True) == []


def test_one_resource_alone_needs_no_count(lives: list[LiveSession]) -> None:
    tally = ResourceTally()
    tally.count(new_visit(request(), live=lives[0]), lives[0], "ebs")

    assert tally.flush(us(AT), everything=True) == []


def test_what_could_not_be_recorded_is_begun_anew(lives: list[LiveSession]) -> None:
    """Else the rest of the minute would be served without an entry."""
    tally = ResourceTally()
    visit = new_visit(request(), live=lives[0])
    first = tally.count(visit, lives[0], "ebs")
    tally.count(visit, lives[0], "ebs")
    tally.forget(first)
    second = tally.count(visit, lives[0], "ebs")
    tally.forget(first)

    assert second is not first
    assert tally.count(visit, lives[0], "ebs") is second
    assert [draft.count for draft in tally.flush(us(AT), everything=True)] == [1]
