"""The agreements: what ends next, and who gets in under each."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from html import unescape

from gateway.pages.policy_agreements import access_under, coming
from policies.acceptance import Acceptance
from policies.agreements import AgreementStatus
from policies.engine import Engine
from tests.gateway.pages.conftest import SignIn
from tests.gateway.pages.people import AT
from tests.gateway.pages.world import World
from vetting.levels import LevelId


def test_every_agreement_is_listed_and_has_its_page(world: World, browser_of: SignIn) -> None:
    """Nobody is offered anything without one."""
    browser = browser_of("security-officer")
    html = unescape(browser.get("/-/policy/agreements").text)

    for agreement in world.engine.policy_set.agreements:
        assert agreement.title in html
        own = unescape(browser.get(f"/-/policy/agreement?id={agreement.id}").text)
        assert agreement.dsa_ref in own
        assert f"gateway policy access {agreement.id}" in own


def test_an_agreement_that_is_not_known_is_said_to_be_unknown(browser_of: SignIn) -> None:
    assert browser_of("security-officer").get("/-/policy/agreement?id=x").status_code == 404


def test_what_ends_next_comes_first_and_an_overdue_review_is_not_forgotten(world: World) -> None:
    agreement = replace(world.engine.policy_set.agreements[0], end=date(2026, 12, 1))
    dated = [
        replace(agreement, id="later", end=date(2027, 6, 30), dsa_expires=date(2027, 1, 1)),
        replace(agreement, id="reviewed", end=None, review_due=date(2026, 11, 1)),
        replace(agreement, id="over", end=date(2026, 11, 1)),
        replace(agreement, id="closed", status=AgreementStatus.ENDED),
        replace(agreement, id="far", end=date(2031, 1, 1)),
        agreement,
    ]

    told = [(each.agreement[0], each.days) for each in coming(dated, at=AT)]

    assert told == [("reviewed", -20), (agreement.id, 10), ("later", 41), ("later", 221)]


def test_access_under_an_agreement_names_those_it_lets_in_and_no_others(world: World) -> None:
    agreements = {each.id: each for each in world.engine.policy_set.agreements}
    found = access_under(world.engine, agreements["cheshire-blue-light-2018"], at=AT)
    rows = dict(found["Cheshire Fire and Rescue Service"])

    assert list(found) == ["Cheshire Fire and Rescue Service"]
    assert [title for title, _ in rows["My payslip"]] == ["DBS Basic"]
    assert [title for title, _ in rows["Search all persons"]] == ["NPPV2 full"]


def test_a_suspended_agreement_lets_nobody_in(world: World) -> None:
    policy_set = world.engine.policy_set
    suspended = replace(policy_set.agreements[1], status=AgreementStatus.SUSPENDED)
    engine = Engine.compile(replace(policy_set, agreements=(policy_set.agreements[0], suspended)))

    assert access_under(engine, suspended, at=AT) == {}


def test_whose_vetting_it_accepts_is_told_by_name(world: World, browser_of: SignIn) -> None:
    policy_set = world.engine.policy_set
    accepting = replace(
        policy_set.agreements[1],
        accepts=(Acceptance(body="nwas", level=LevelId("MV"), counts_as=LevelId("RV")),),
        discloses=True,
    )
    engine = Engine.compile(replace(policy_set, agreements=(policy_set.agreements[0], accepting)))
    browser = browser_of("security-officer")
    # The double's services are frozen; the page asks the kit for the engine anew each time.
    object.__setattr__(world.services, "engine", lambda: engine)
    try:
        text = browser.get(f"/-/policy/agreement?id={accepting.id}").text
    finally:
        object.__setattr__(world.services, "engine", lambda: world.engine)

    assert "Management Vetting granted by North West Ambulance Service" in text
    assert "as Recruitment Vetting" in text
    assert "logged as a disclosure" in text
