"""How many may open what: everybody decided, none counted in part."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, cast

import pytest

from gateway.conditions import HONOURED
from gateway.front import staff_counts
from gateway.front.staff_counts import StaffCounts
from gateway.identity.staff import staff_by_person
from gateway.pages.count_services import Counting
from gateway.store.engine import StoreUnavailable, reading
from policies.engine import Engine
from policies.question import Question
from tests.gateway.front.test_register_desk import hold
from tests.gateway.identity.parts import AT, FIRE, KINDS, Parts, new_parts
from tests.policies.people import PASSWORD, cheshire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.front.policy_in_force import PolicyInForce
    from vetting.register import Register


class Policy:
    """A set that tests change, and the register as it reads it."""

    def __init__(self, register: Register) -> None:
        self.now = Engine.compile(cheshire())
        self.host_register = register

    def engine(self) -> Engine:
        return self.now

    def register(self) -> Register:
        return self.host_register


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    """Five people of the fire service, of whom three hold what employers screen; one paramedic."""
    with new_parts(tmp_path) as parts:
        for number in range(5):
            parts.sign_in(f"a{number}", f"4001{number}")
        parts.sign_in("jo", "40011", organisation="nwas")
        for number in range(3):
            hold(parts, FIRE, f"4001{number}")
        yield parts


@pytest.fixture
def policy(parts: Parts) -> Policy:
    return Policy(parts.register)


def counts_of(parts: Parts, policy: Policy) -> StaffCounts:
    return StaffCounts(parts.store, cast("PolicyInForce", policy), KINDS, frozenset())


def whole(counts: StaffCounts) -> Counting:
    """The count, once it is over."""
    deadline = time.monotonic() + 30
    while (found := counts.counted(AT)).staff is None:
        assert not found.failed
        assert time.monotonic() < deadline
    return found


def test_as_many_are_counted_as_the_engine_lets_in_one_by_one(parts: Parts, policy: Policy) -> None:
    found = whole(counts_of(parts, policy))

    assert found.staff == {FIRE: 5, "nwas": 1}
    assert (found.looked_at, found.total, found.at) == (6, 6, AT)
    people = [*(f"{FIRE}/4001{number}" for number in range(5)), "nwas/40011"]
    with reading(parts.store) as connection:
        staff = [staff_by_person(connection, person) for person in people]
        subjects = [parts.subjects(connection, each, AT).subject for each in staff if each]
    assert len(subjects) == len(people)
    seen = set()
    for function in policy.now.policy_set.catalogue.functions.values():
        for organisation in KINDS:
            decisions = [
                policy.now.decide(
                    Question(
                        subject=subject,
                        function=function,
                        action="read",
                        at=AT,
                        factors=PASSWORD,
                        honours=HONOURED,
                    )
                )
                for subject in subjects
                if subject.organisation == organisation
            ]
            may = sum(each.permitted for each in decisions)
            after = sum(each.obligations.words == ("step-up",) for each in decisions)
            tally = found.tallies.get((function.id, organisation))

            assert ((tally.may, tally.after) if tally else (0, 0)) == (may, after)
            seen.add((may, after))
    assert {(0, 0), (3, 0), (0, 3)} <= seen


def test_a_count_is_kept_until_another_set_is_in_force_or_it_is_old(
    parts: Parts, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = counts_of(parts, policy)
    first = whole(counts)

    assert whole(counts) is first
    policy.now = policy.now.withholding(frozenset({"pay.slip"}))
    second = whole(counts)
    assert ("pay.slip", FIRE) in first.tallies
    assert ("pay.slip", FIRE) not in second.tallies
    monkeypatch.setattr(staff_counts, "_KEPT_SECONDS", 0.0)
    assert whole(counts) is not second


def test_nobody_is_told_of_until_everybody_was_counted(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks waits for a moment, and then sees how far it is."""
    go_on = threading.Event()
    monkeypatch.setattr(staff_counts, "_WAIT_SECONDS", 0.0)
    monkeypatch.setattr("gateway.identity.known_staff.AT_ONCE", 2)

    class Held(Policy):
        def register(self) -> Register:
            go_on.wait(30)
            return self.host_register

    counts = counts_of(parts, Held(parts.register))
    waiting = counts.counted(AT)
    assert (waiting.staff, waiting.tallies, waiting.failed) == (None, {}, False)
    go_on.set()
    assert whole(counts).total == 6


def test_what_fails_counts_nobody_and_is_tried_again(
    parts: Parts, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = counts_of(parts, policy)

    def away(_: object) -> int:
        raise StoreUnavailable("the database does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(staff_counts, "count_staff", away)
        failed = counts.counted(AT)
    assert (failed.failed, failed.staff, failed.tallies) == (True, None, {})
    assert whole(counts).staff == {FIRE: 5, "nwas": 1}
