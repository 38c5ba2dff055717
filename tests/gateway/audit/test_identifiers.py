"""Tests of the names of visits: no two alike, however many are drawn at a time."""

from __future__ import annotations

import re

from gateway.audit.identifiers import Identifiers

AT_US = 1_795_000_000_000_000
VISITS = 2_000  # more than eight draws


def test_no_two_visits_have_one_name() -> None:
    """A reference that finds two visits finds the wrong one half of the time."""
    named = [Identifiers().for_visit(AT_US)]
    identifiers = Identifiers()
    named += [identifiers.for_visit(AT_US) for _ in range(VISITS)]

    assert len({reference for reference, _ in named}) == len(named)
    assert len({entry for _, entry in named}) == len(named)


def test_a_name_is_whole_at_the_end_of_what_was_drawn() -> None:
    identifiers = Identifiers()
    named = [identifiers.for_visit(AT_US) for _ in range(VISITS)]

    assert {len(entry) for _, entry in named} == {16}
    assert all(re.fullmatch("[0-9A-HJKMNP-TV-Z]{10}", reference) for reference, _ in named)


def test_a_reference_tells_nothing_of_its_entry() -> None:
    """It is read out on the telephone; the id is not to be guessed from it, nor from its like."""
    identifiers = Identifiers()
    (first, first_id), (second, second_id) = (identifiers.for_visit(AT_US) for _ in range(2))
    shared = sum(1 for one, other in zip(first_id[7:], second_id[7:], strict=True) if one == other)

    assert first != second
    assert shared < 5  # the time is the same, what was drawn is not
