"""Paths in disguise, over the wire: what one reader might not allow never leaves the gateway."""

from __future__ import annotations

import pytest

from tests.attacks.path_strings import ALLOWED, CLASSES, FORBIDDEN, Case, spliced
from tests.attacks.readings import every_reading_is_allowed
from tests.attacks.relay import SeenRequest
from tests.attacks.target import Target
from tests.attacks.wire import Reply

LEAST_CASES = 400


def test_there_are_enough_cases() -> None:
    """The number is promised; a class that lost its strings would go unnoticed."""
    cases = [case.target for strings in CLASSES.values() for case in spliced(strings)]
    disallowed = [case for case in set(cases) if not every_reading_is_allowed(case)]

    assert len(disallowed) >= LEAST_CASES
    assert all(every_reading_is_allowed(url) for url in ALLOWED)
    assert not any(every_reading_is_allowed(url) for url in FORBIDDEN)


@pytest.mark.parametrize("kind", CLASSES)
def test_a_disguised_path_does_not_reach_the_back_office(target: Target, kind: str) -> None:
    """The oracle reads what was sent, and what has left for the back office, in nine ways."""
    cases = tuple(spliced(CLASSES[kind]))
    mark = target.relay.count
    answers = [(case, target.say(target.request(case.target))) for case in cases]
    seen = target.let_through(mark)

    assert [case.how for case, reply in answers if not is_right(case, reply)] == []
    assert [one.target for one in seen if not is_allowed(one)] == []
    assert {one.target for one in seen} <= {spelt_alike(case.target) for case in cases}


@pytest.mark.parametrize("kind", CLASSES)
def test_a_refused_path_is_on_the_record_with_its_person(target: Target, kind: str) -> None:
    """Somebody who is signed in and tries paths out is known by name."""
    cases = [case for case in spliced(CLASSES[kind]) if case.target.isascii()][::12]
    account = target.stack.accounts["firefighter"]
    cases = [case for case in cases if not every_reading_is_allowed(case.target)]
    replies = [target.say(target.request(case.target)) for case in cases]
    references = {one.reference for one in replies if one.reference}
    rows = target.rows(references)

    assert len(references) == len(cases) > 1
    assert references == set(rows)
    unnamed = [
        row.clear
        for row in rows.values()
        if not row.personal.get("actor_name", "").startswith(account.username)
    ]
    assert unnamed == []


def is_right(case: Case, reply: Reply) -> bool:
    """Tell whether an answer is one that the oracle permits."""
    if every_reading_is_allowed(case.target):
        return reply.status < 500
    return 400 <= reply.status < 500 and reply.reference is not None


def is_allowed(seen: SeenRequest) -> bool:
    return every_reading_is_allowed(seen.target.encode("ascii"))


def spelt_alike(target: bytes) -> str:
    """Give a target as it may leave: escapes in capitals, no `?` that nothing follows."""
    text = target.decode("latin-1").removesuffix("?")
    path, mark, query = text.partition("?")
    pieces = path.split("%")
    return "%".join([pieces[0], *(one[:2].upper() + one[2:] for one in pieces[1:])]) + mark + query
