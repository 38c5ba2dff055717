"""What a screen shows somebody: the same all day, and made once."""

from __future__ import annotations

from datetime import date, timedelta

from deploy.demo.backoffice.contents import _REMEMBERED, Library
from deploy.demo.backoffice.people import People
from deploy.demo.backoffice.screens import Screens

TODAY = date(2026, 11, 22)


def test_the_same_record_is_made_once_a_day_and_looks_the_same_made_again(people: People) -> None:
    screen = Screens.read().each[0]
    holder = people.search("", 1)[0]
    library = Library(people=people)
    first = library.contents(screen, holder, TODAY)

    assert library.contents(screen, holder, TODAY) is first
    assert Library(people=people).contents(screen, holder, TODAY) == first
    assert library.contents(screen, holder, TODAY + timedelta(days=1)) is not first


def test_what_is_looked_for_is_found_each_time(people: People) -> None:
    screen = next(each for each in Screens.read().each if each.search)
    holder, other = people.search("", 2)
    library = Library(people=people)
    found = [library.contents(screen, holder, TODAY, name) for name in (holder.name, other.name)]

    assert found[0] != found[1]


def test_what_is_remembered_is_bounded(people: People) -> None:
    screen = min(Screens.read().each, key=lambda each: len(each.columns) + len(each.summary))
    holder = people.search("", 1)[0]
    library = Library(people=people)
    for day in range(_REMEMBERED + 10):
        library.contents(screen, holder, TODAY + timedelta(days=day))

    assert len(library._made) == 10
