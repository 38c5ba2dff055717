"""The portal: what each person sees, and how it is searched."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from werkzeug.test import Client

from gateway.pages.portal import arrange, ended, folded, held
from policies.engine import Engine
from tests.gateway.pages.conftest import SignIn, sign_in_to
from tests.gateway.pages.factor_doubles import NEWS
from tests.gateway.pages.people import AT, grant_of
from tests.gateway.pages.world import World, new_world
from tests.policies.people import rule_text, with_rules
from vetting.clearance import Clearance
from vetting.grants import GrantStatus

FIREFIGHTER = {
    "pay.slip",
    "pay.bank",
    "hr.me",
    "hr.absence",
    "hr.sit",
    "hr.vetting.view",
    "rec.browse",
    "learn.enrol",
    "perf.pdr",
    "fin.expense",
    "fin.timecard",
    "proc.req",
    "proc.receipt",
    "proc.framework",
    "fleet.book",
    "fleet.defect",
    "est.job",
    "log.stores",
    "ict.ticket",
}


def tiles_of(html: str) -> list[str]:
    return re.findall(r'data-function="([^"]+)"', html)


@pytest.mark.parametrize(
    ("who", "functions"),
    [
        ("firefighter", FIREFIGHTER),
        ("fire-lapsed", FIREFIGHTER),
        ("watch-manager", FIREFIGHTER | {"hr.team.basic", "fin.budget"}),
        ("paramedic", {"est.job", "ict.ticket"}),
        ("fire-new", set()),
    ],
)
def test_each_person_sees_one_tile_for_each_function_they_may_use(
    browser_of: SignIn, who: str, functions: set[str]
) -> None:
    """The lists of the collaboration's founding documents."""
    tiles = tiles_of(browser_of(who).get("/-/portal").text)

    assert sorted(tiles) == sorted(functions)


def test_function_that_needs_one_more_proof_says_so(browser_of: SignIn) -> None:
    """It is shown, as the person may use it once they can give the proof."""
    html = browser_of("firefighter").get("/-/portal").text

    assert re.search(r'data-function="pay.bank" data-needs="step-up"', html)
    assert html.count("data-needs=") == 1


def test_obligations_show_on_the_tiles(tmp_path: Path) -> None:
    """What asks for a purpose says so; what the gate does by itself is no concern of theirs."""

    def rule(name: str, functions: str, obligations: str = "") -> str:
        more = f"obligations = {{ {obligations} }}" if obligations else ""
        return rule_text(
            'organisation_kind = ["fire"]', id=name, functions=f'["{functions}"]', more=more
        )

    text = (
        rule("a", "gate.portal")
        + rule("b", "hr.me", 'purpose = ["audit"]')
        + rule("c", "hr.absence", "rate = { most = 5, minutes = 10 }")
        + rule("d", "pay.slip", "watermark = true")
    )
    world = new_world(engine=Engine.compile(with_rules(tmp_path, text)))
    html = sign_in_to(world)("firefighter").get("/-/portal").text

    assert tiles_of(html) == ["hr.absence", "hr.me", "pay.slip"]
    assert re.search(r'data-function="hr.me" data-needs="purpose"', html)
    assert html.count("Asks what you need it for") == 1
    assert "Needs a second proof" not in html


def test_search_works_without_a_script(browser_of: SignIn) -> None:
    """Every page works with JavaScript off."""
    html = browser_of("firefighter").get("/-/portal?q=VEHICLE").text

    assert set(tiles_of(html)) == {"fleet.book", "fleet.defect"}
    assert "2 of 19 services match" in html


def test_search_that_finds_nothing_says_so(browser_of: SignIn) -> None:
    """And never that something hidden would have matched."""
    html = browser_of("firefighter").get("/-/portal?q=duty").text

    assert tiles_of(html) == []
    assert "0 of 19 services match" in html
    assert re.search(r'<div class="gate-empty" data-filter-none >', html)


def test_search_text_is_shown_as_text(browser_of: SignIn) -> None:
    """It comes from outside."""
    html = browser_of("firefighter").get("/-/portal?q=%3Cscript%3E%22").text

    assert "<script>&#34;" not in html
    assert "&lt;script&gt;&#34;" in html


def test_person_without_anything_is_told_whom_to_ask(browser_of: SignIn) -> None:
    """An empty page would look like a fault."""
    html = browser_of("fire-new").get("/-/portal").text

    assert "Nothing is open to you yet" in html
    assert "Fire ICT help desk" in html
    assert "No vetting or screening of yours is recorded" in html


def test_what_has_just_ended_is_said_at_the_top(browser_of: SignIn) -> None:
    """Whoever misses a service should not have to guess why."""
    html = browser_of("fire-lapsed").get("/-/portal").text

    assert "<b>NPPV2 full: ended on 20 November 2026.</b>" in html
    assert html.index("NPPV2 full: ended") < html.index("data-function=")
    assert "Force vetting unit" in html


def test_what_ended_long_ago_is_not_said_at_the_top() -> None:
    """It would be in the way for ever."""
    world = new_world(at=datetime(2027, 3, 1, tzinfo=UTC))
    browser = Client(world.front)
    browser.set_cookie("gateway-localhost", world.desk.open(world.staff["fire-lapsed"]))
    html = browser.get("/-/portal").text

    assert "gate-notice--slim" not in html
    assert "Ended on 20 November 2026" in html


def test_root_leads_to_the_portal(browser_of: SignIn) -> None:
    """People type the name of the host and nothing else."""
    response = browser_of("firefighter").get("/")

    assert (response.status_code, response.headers["Location"]) == (303, "/-/portal")


def test_areas_and_tiles_are_in_alphabetical_order(world: World) -> None:
    """So that a person finds by eye what was there yesterday."""
    tiles = world.engine.tiles(world.staff["firefighter"], at=AT, factors=frozenset({"password"}))
    areas = arrange(tiles)

    titles = [area.title.lower() for area in areas]
    assert titles == sorted(titles)
    for area in areas:
        names = [tile.title.lower() for tile in area.tiles]
        assert names == sorted(names)


def test_folding_ignores_case_and_accents() -> None:
    """The script folds alike, so both searches find the same."""
    assert folded("Ünïform STORES") == "uniform stores"


def test_what_is_held_names_what_ends_first_at_the_top(world: World) -> None:
    """That is what a person has to see to."""
    clearance = Clearance(
        grants=(
            grant_of("DBSB", "cheshire-fire"),
            grant_of("N2F", "cheshire-fire", body="x", expires_on=date(2026, 11, 22)),
            grant_of("SC", "cheshire-fire", body="x", expires_on=date(2030, 1, 1)),
        ),
        organisation="cheshire-fire",
        order=world.engine.policy_set.levels,
        accepted=frozenset({"x"}),
    )

    told = held(clearance, at=AT)

    assert [(holding.title, holding.dates, holding.soon) for holding in told] == [
        ("NPPV2 full", "Until 22 November 2026", "Ends tomorrow"),
        ("Security Check", "Until 1 January 2030", ""),
        ("DBS Basic", "Without an end date", ""),
    ]


@pytest.mark.parametrize(
    ("last_day", "words"),
    [
        (date(2026, 11, 21), "Ends today"),
        (date(2026, 12, 21), "Ends in 30 days"),
        (date(2027, 2, 19), "Ends in 90 days"),
        (date(2027, 2, 20), ""),
    ],
)
def test_end_is_announced_ninety_days_before(world: World, last_day: date, words: str) -> None:
    """Renewal takes weeks."""
    clearance = Clearance(
        grants=(grant_of("N2F", "cheshire-fire", body="x", expires_on=last_day),),
        organisation="cheshire-fire",
        order=world.engine.policy_set.levels,
        accepted=frozenset({"x"}),
    )

    assert [holding.soon for holding in held(clearance, at=AT)] == [words]


def test_what_has_ended_is_told_without_the_reason(world: World) -> None:
    """Why a clearance was withdrawn is not kept, and not said."""
    clearance = Clearance(
        grants=(
            grant_of("N2F", "cheshire-fire", body="x", status=GrantStatus.WITHDRAWN),
            grant_of("SC", "cheshire-fire", body="x", expires_on=date(2026, 1, 31)),
        ),
        organisation="cheshire-fire",
        order=world.engine.policy_set.levels,
        accepted=frozenset({"x"}),
    )

    told = {holding.title: holding.dates for holding in ended(clearance, at=AT)}

    assert told == {"NPPV2 full": "Withdrawn", "Security Check": "Ended on 31 January 2026"}


def test_whoever_ended_their_oldest_session_by_signing_in_is_told(
    world: World, browser_of: SignIn
) -> None:
    browser = browser_of("firefighter")
    (session,) = world.desk.sessions.values()

    def told(displaced: int, minutes: int) -> bool:
        opened = int((world.front.at - timedelta(minutes=minutes)).timestamp() * 1_000_000)
        facts = replace(session.session, displaced=displaced, started_at_us=opened)
        for token in world.desk.sessions:
            world.desk.sessions[token] = replace(session, session=facts)
        return 'id="displaced"' in browser.get("/-/portal").text

    assert [told(1, 0), told(0, 0), told(1, 11)] == [True, False, False]


def test_what_happened_to_second_factors_stands_there_until_it_has_been_seen(
    world: World, browser_of: SignIn
) -> None:
    world.notices.seen.clear()
    world.notices.waiting = NEWS
    browser = browser_of("security-officer")
    page = browser.get("/-/portal").text

    assert 'id="news"' in page
    assert "All second factors were removed, approved by &lt;b&gt;Ann" in page
    assert page.count("Sam Lowe: A second factor was added: Phone") == 3
    assert "There are 3 more." in page
    assert 'name="number" value="9"' in page
    assert "/-/break-glass-uses" in page.partition("</form>")[0]
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    browser.post("/-/me/seen", data={"csrf_token": token[1], "number": "9"})
    assert 'id="news"' not in browser.get("/-/portal").text
    assert world.notices.seen == [9]
