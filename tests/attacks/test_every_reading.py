"""The oracle as a property: what is permitted is permitted however it is read.

Targets are made of the strings of all classes and of pieces of ordinary ones, put together as
chance will have it. Hundreds are asked of the canonicaliser, the catalogue and the engine, and some
over the wire.
"""

from __future__ import annotations

import random
from functools import cache
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.backoffice.canonical import TargetError, canonicalise_target
from policies.engine import Engine
from policies.function import Function
from policies.question import Question
from tests.attacks.path_strings import ALLOWED, CLASSES, CLIMBS, FORBIDDEN
from tests.attacks.readings import OWN_NUMBER, every_reading_is_allowed
from tests.attacks.target import Target
from tests.attacks.test_parameters import ADDITIONS, RECASED
from tests.policies.people import AT, cheshire, subject

STRINGS = tuple(string for strings in CLASSES.values() for string in strings)
SEGMENTS = tuple(
    sorted(
        {b"/" + part for url in (*ALLOWED, *FORBIDDEN) for part in url.split(b"?")[0].split(b"/")}
    )
)
QUERIES = (b"?OAFunc=XX_PAYSLIP", b"?OAFunc=XX_BANK", b"?q=x", *ADDITIONS, *RECASED)
PIECES = st.one_of(
    st.sampled_from(STRINGS),
    st.sampled_from(SEGMENTS),
    st.sampled_from(QUERIES),
    st.binary(min_size=1, max_size=2),
)
TARGETS = st.builds(
    lambda url, pieces, at: url[:at] + b"".join(pieces) + url[at:],
    st.sampled_from((*ALLOWED, *FORBIDDEN, b"/")),
    st.lists(PIECES, max_size=4),
    st.integers(0, 40),
)
OVER_THE_WIRE = 200


@cache
def engine() -> Engine:
    return Engine.compile(cheshire())


def is_permitted(function: Function, person: str | None, action: str) -> bool:
    asked = Question(
        subject=subject("DBSB", number=OWN_NUMBER),
        function=function,
        action=action,
        at=AT,
        record_person=person,
        record_organisation=None if person is None else "cheshire-fire",
        factors=frozenset({"password"}),
    )
    return engine().decide(asked).permitted


def sent_for(target: bytes) -> bytes | None:
    """Give what would be sent on for the firefighter; None where it is refused."""
    catalogue = engine().policy_set.catalogue
    try:
        canonical = canonicalise_target(target, catalogue.declared_parameters)
    except TargetError:
        return None
    match = catalogue.match("GET", canonical.path, canonical.query)
    if match is None or not is_permitted(match.function, match.record_person, match.action):
        return None
    return canonical.sent


@settings(max_examples=200, deadline=None)
@given(TARGETS)
def test_what_is_permitted_is_permitted_in_every_reading(target: bytes) -> None:
    sent = sent_for(target)

    assert sent is None or every_reading_is_allowed(sent), (target, sent)


def test_no_two_strings_together_climb_out_of_a_branch() -> None:
    """Every string of the tables behind every other, in the places from where climbing leads."""
    wrong = [
        sent
        for branch, aim, _ in CLIMBS
        for first, second in product(STRINGS, repeat=2)
        if (sent := sent_for(branch + first + second + aim)) is not None
        and not every_reading_is_allowed(sent)
    ]
    assert wrong == []


def test_the_property_is_about_something() -> None:
    """Ordinary targets are permitted by the same way of asking, and others are not."""
    assert [sent_for(url) for url in ALLOWED] == list(ALLOWED)
    assert [sent_for(url) for url in FORBIDDEN] == [None] * len(FORBIDDEN)


def by_chance(count: int) -> list[bytes]:
    """Give targets of the same make, alike in each run: what failed can be looked at again."""
    chance = random.Random(20_261_122)
    made: list[bytes] = []
    while len(made) < count:
        url = chance.choice((*ALLOWED, *FORBIDDEN))
        at = chance.randint(0, len(url))
        pieces = chance.choices((*STRINGS, *SEGMENTS, *QUERIES), k=chance.randint(1, 3))
        target = url[:at] + b"".join(pieces) + url[at:]
        if not any(byte in target for byte in b" \r\n\x00"):
            made.append(target)
    return made


def test_the_same_holds_of_the_bytes_that_leave(target: Target) -> None:
    """Over the wire: refused with 4xx and a reference, or alike to every reader."""
    wanted = by_chance(OVER_THE_WIRE)
    mark = target.relay.count
    replies = [(one, target.say(target.request(one))) for one in wanted]
    seen = target.let_through(mark)

    assert [one.target for one in seen if not every_reading_is_allowed(one.target.encode())] == []
    wrong = [
        (one, reply.status)
        for one, reply in replies
        if not every_reading_is_allowed(one) and not (400 <= reply.status < 500 and reply.reference)
    ]
    assert wrong == []
