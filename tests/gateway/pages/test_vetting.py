"""The register, as vetting officers read it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest
from werkzeug.test import Client

from tests.gateway.pages.conftest import SignIn
from tests.gateway.pages.world import World
from vetting.levels import LevelId
from vetting.membership import Membership
from vetting.person import PersonKey

PERSON = re.compile(r'href="(/-/vetting/[^"/]+/[^"]+)"')


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
    assert html.index("NPPV2 full changed") < html.index("NPPV2 full entered")
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


@pytest.fixture
def of_fire(world: World) -> Client:
    """Give the browser of a vetting officer of a partner, cleared as one of the host."""
    officer = world.staff["vetting-officer"]
    clearance = replace(
        officer.clearance,
        grants=tuple(
            replace(each, level=LevelId("N3"), sponsor="cheshire-fire")
            for each in officer.clearance.grants
        ),
        organisation="cheshire-fire",
    )
    partner = replace(
        officer,
        organisation="cheshire-fire",
        organisation_kind="fire",
        clearance=clearance,
    )
    client = Client(world.front)
    client.set_cookie(world.services.cookies.session.name, world.desk.open(partner))
    return client


def test_officers_of_a_partner_see_their_own_people_only(of_fire: Client) -> None:
    """Whatever is asked for: in the list, by address, and in what ends soon."""
    listed = of_fire.get("/-/vetting?q=7015&organisation=nwas").text
    ending = of_fire.get("/-/vetting/ending?days=365&organisation=cheshire-police").text

    assert "Nobody found" in listed
    assert "North West Ambulance" not in listed
    assert of_fire.get("/-/vetting/nwas/70150").status_code == 404
    assert of_fire.get("/-/vetting/cheshire-fire/40230").status_code == 200
    assert {path.split("/")[3] for path in PERSON.findall(ending)} == {"cheshire-fire"}


def test_what_was_so_at_a_moment_is_told_as_it_was_then(browser_of: SignIn) -> None:
    """What was she cleared to on 3 May at 09:00?"""
    page = "/-/vetting/cheshire-fire/40230?at="
    html = browser_of("vetting-officer").get(f"{page}2026-05-03+09:00").text

    assert "As the register had it on 3 May 2026 at 09:00" in html
    assert re.search(r"NPPV2 full <strong[^>]*>Counted<", html)
    assert "Show what is so now" in html
    before = browser_of("vetting-officer").get(f"{page}2024-04-01").text
    assert "No change is recorded until then" in before


def test_which_policy_was_in_force_then_is_named_and_nothing_promised(browser_of: SignIn) -> None:
    """What it permitted is what that version said, not what today's says."""
    page = browser_of("vetting-officer").get("/-/vetting/cheshire-fire/40230?at=2026-10-30").text

    assert "Version 1 of the policy set was in force" in page


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("soon", "Enter a date"),
        ("2026-02-30", "Enter a date"),
        ("2027-01-01", "Enter a moment that has passed"),
        ("2026-11-21 09:31", "Enter a moment that has passed"),
        ("9" * 300, "Enter a date"),
    ],
)
def test_a_moment_that_cannot_be_asked_about_is_refused_with_what_to_type(
    browser_of: SignIn, typed: str, told: str
) -> None:
    answer = browser_of("vetting-officer").get(
        "/-/vetting/cheshire-fire/40230", query_string={"at": typed}
    )

    assert answer.status_code == 400
    assert answer.text.count(told) == 2
    assert "<title>Error: " in answer.text


@pytest.mark.parametrize("typed", ["2026-11-21", "2026-11-21 09:30", "2026-11-20"])
def test_today_and_every_moment_before_can_be_asked_about(browser_of: SignIn, typed: str) -> None:
    answer = browser_of("vetting-officer").get(
        "/-/vetting/cheshire-fire/40230", query_string={"at": typed}
    )

    assert answer.status_code == 200
    assert "As the register had it on" in answer.text


def test_a_time_before_the_register_knew_them_is_no_fault(browser_of: SignIn) -> None:
    answer = browser_of("vetting-officer").get("/-/vetting/cheshire-fire/40230?at=1999-01-01")

    assert answer.status_code == 200
    assert "had nothing of this person then" in answer.text


def test_a_history_that_does_not_hold_together_is_not_told_as_if_it_did(
    world: World, browser_of: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.register, "broken", True)
    answer = browser_of("vetting-officer").get("/-/vetting/cheshire-fire/40230?at=2026-05-03")

    assert answer.status_code == 400
    assert "does not hold together" in answer.text
    assert "Counted" not in answer.text


def test_what_ends_soon_comes_soonest_first_and_is_narrowed(browser_of: SignIn) -> None:
    browser = browser_of("vetting-officer")
    soon = browser.get("/-/vetting/ending?days=90").text
    later = browser.get("/-/vetting/ending?days=365").text

    assert "Bethan Rhys" in soon
    assert "in 55 days" in soon
    assert len(PERSON.findall(later)) > len(PERSON.findall(soon)) > 0
    days = [int(each) for each in re.findall(r"in (\d+) days?<", later)]
    assert days == sorted(days)
    nothing = browser.get("/-/vetting/ending?days=7&organisation=nwas").text
    assert "Nothing ends within 7 days" in nothing


def test_no_page_shows_a_sealed_reference(
    world: World, browser_of: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what holds now nor what held."""
    known = [
        replace(
            person,
            clearance=replace(
                person.clearance,
                grants=tuple(replace(each, reference="v1.k.sealed") for each in
                             person.clearance.grants),
            ),
        )
        for person in world.register.known
    ]  # fmt: skip
    monkeypatch.setattr(world.register, "known", known)
    browser = browser_of("vetting-officer")
    person = "/-/vetting/cheshire-fire/40230"

    for path in ("/-/vetting", "/-/vetting/ending", person, f"{person}?at=2026-05-03"):
        assert "sealed" not in browser.get(path).text
