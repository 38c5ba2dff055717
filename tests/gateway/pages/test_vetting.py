"""The register, as vetting officers read it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from gateway.pages.vetting import change_row
from tests.gateway.pages.conftest import SignIn
from tests.gateway.pages.world import World
from vetting.membership import Membership
from vetting.person import PersonKey
from vetting.register_history import ChangeKind, RegisterChange

PERSON = re.compile(r'href="(/-/vetting/[^"]+)"')


def test_everyone_is_found_by_leafing(world: World, browser_of: SignIn) -> None:
    """No person may be out of sight."""
    browser = browser_of("vetting-officer")
    seen: list[str] = []
    path: str | None = "/-/vetting"
    while path:
        html = browser.get(path).text
        seen += PERSON.findall(html)
        link = re.search(r'href="([^"]+)" rel="next"', html)
        path = link[1].replace("&amp;", "&") if link else None

    assert len(seen) == len(set(seen)) == len(world.register.known)


def test_person_is_found_by_name_and_by_number(browser_of: SignIn) -> None:
    """Either is what the officer has before them."""
    browser = browser_of("vetting-officer")

    assert PERSON.findall(browser.get("/-/vetting?q=shah").text) == [
        "/-/vetting/cheshire-fire/40230"
    ]
    assert PERSON.findall(browser.get("/-/vetting?q=70150").text) == ["/-/vetting/nwas/70150"]


def test_organisation_narrows_the_search_and_is_kept_in_the_links(browser_of: SignIn) -> None:
    """Leafing on must not widen the search again."""
    html = browser_of("vetting-officer").get("/-/vetting?organisation=cheshire-fire").text

    assert {path.split("/")[3] for path in PERSON.findall(html)} == {"cheshire-fire"}
    assert 'href="/-/vetting?organisation=cheshire-fire&amp;page=2" rel="next"' in html


@pytest.mark.parametrize("page", ["0", "-3", "x", "9" * 30, "२"])
def test_page_number_that_is_none_is_the_first(browser_of: SignIn, page: str) -> None:
    """It comes from a link."""
    html = browser_of("vetting-officer").get(f"/-/vetting?page={page}").text

    assert ("1 to 25 of" in html) or ("Nobody found" in html)


def test_person_is_shown_with_what_counts_and_what_does_not(browser_of: SignIn) -> None:
    """An ended grant looks different from one that counts, and not by colour alone."""
    html = browser_of("vetting-officer").get("/-/vetting/cheshire-fire/40230").text

    assert re.search(r"DBS Basic <strong[^>]*>Counts<", html)
    assert re.search(r"NPPV2 full <strong[^>]*>Does not count<", html)
    assert "Ended on 20 November 2026" in html


def test_history_tells_what_changed_newest_first(browser_of: SignIn) -> None:
    """Who did it, when, from what to what."""
    html = browser_of("vetting-officer").get("/-/vetting/cheshire-fire/40230").text

    assert "expires on: 2026-04-01 → 2026-11-20" in html
    assert html.index("N2F changed") < html.index("N2F entered")
    assert "by helen.marsh" in html


def test_appointments_are_named(browser_of: SignIn) -> None:
    """Whoever may look at the record is named in the register."""
    html = browser_of("vetting-officer").get("/-/vetting/cheshire-police/10031").text

    assert "Auditor" in html


@pytest.mark.parametrize("path", ["/-/vetting/cheshire-fire/0", "/-/vetting/atlantis/40230"])
def test_person_who_is_not_registered_is_said_to_be_not_registered(
    browser_of: SignIn, path: str
) -> None:
    """A mistyped number is no fault of the service."""
    assert browser_of("vetting-officer").get(path).status_code == 404


@pytest.mark.parametrize("kind", list(ChangeKind))
def test_every_kind_of_change_has_words(kind: ChangeKind) -> None:
    """A kind without words would be a page that fails on the day somebody moves."""
    change = RegisterChange(
        sequence=1,
        at=datetime(2026, 11, 20, 9, tzinfo=UTC),
        by="officer",
        person=PersonKey(organisation="cheshire-fire", employee_number="40011"),
        kind=kind,
        item="p1",
        level="N2F",
        changed=(("reference", "", "v1.k.sealed"), ("ends_on", "", "2026-11-30")),
    )

    told = change_row(change)

    assert told.what
    assert not any("sealed" in each for each in told.details)


def test_who_works_where_is_shown_with_its_days(
    world: World, browser_of: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = world.register
    position, person = next(
        (number, each) for number, each in enumerate(desk.known) if each.employee_number == "40230"
    )
    key = PersonKey(organisation="cheshire-fire", employee_number="40230")
    old = Membership(
        person="p1", key=key, starts_on=date(2018, 4, 1), ends_on=date(2026, 3, 31), contract="C-7"
    )
    clearance = replace(person.clearance, memberships=(old,))
    employed = replace(person, clearance=clearance)
    monkeypatch.setattr(
        desk, "known", [*desk.known[:position], employed, *desk.known[position + 1 :]]
    )

    text = browser_of("vetting-officer").get("/-/vetting/cheshire-fire/40230").text

    assert "From 1 April 2018 to 31 March 2026, contract C-7, not in force" in text
    assert "Held for an employment that is not in force" in text
