"""The screens' file is whole: sixty screens, each found by its own address, each value makeable."""

from __future__ import annotations

import io
from collections import Counter
from datetime import date

import pytest

from deploy.demo.backoffice.contents import Library
from deploy.demo.backoffice.exchange import Asked
from deploy.demo.backoffice.people import People
from deploy.demo.backoffice.screens import Screen, Screens

SCREENS = Screens.read()


def test_there_are_sixty_screens_of_different_names() -> None:
    counted = Counter(screen.id for screen in SCREENS.each)

    assert len(counted) == 60
    assert set(counted.values()) == {1}


@pytest.mark.parametrize("screen", SCREENS.each, ids=lambda one: one.id)
def test_a_screen_is_found_by_its_own_address(screen: Screen) -> None:
    asked = Asked.from_target("GET", screen.entry, {}, io.BytesIO())

    assert SCREENS.find(asked, {}) is screen


@pytest.mark.parametrize("screen", SCREENS.each, ids=lambda one: one.id)
def test_a_record_looks_the_same_each_time_and_differs_from_anothers(
    people: People, screen: Screen
) -> None:
    library = Library(people=people)
    today = date(2026, 11, 21)
    first, second = people.find("40012"), people.find("20011")
    assert first is not None
    assert second is not None
    shown = library.contents(screen, first, today)

    assert shown == library.contents(screen, first, today)
    if not screen.search:
        assert shown != library.contents(screen, second, today)


def test_a_search_finds_people_by_name_and_number(people: People) -> None:
    (search,) = (screen for screen in SCREENS.each if screen.search)
    library = Library(people=people)
    holder = people.find("20012")
    assert holder is not None
    by_name = library.contents(search, holder, date(2026, 11, 21), "tetlow")
    by_number = library.contents(search, holder, date(2026, 11, 21), "40012")

    assert "Morgan Tetlow" in {row[0] for row in by_name.rows}
    assert {row[0] for row in by_number.rows} == {"Morgan Tetlow"}
