"""Who a page is shown to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.pages.caller import NotGuardedError, caller_of, navigation, visit_of
from policies.criteria.zone import FromZones
from policies.engine import Engine
from tests.gateway.pages.doubles import SignedIn, Visit
from tests.gateway.pages.people import AT, FIRE
from tests.gateway.pages.world import REFERENCE, World


def test_nobody_is_shown_when_nobody_is_signed_in(world: World) -> None:
    """The frame then has no sign-out button either."""
    assert caller_of(world.services, {}, form_token="t", at=AT) is None


def test_person_is_shown_with_the_name_of_their_organisation(world: World) -> None:
    """The host stands in the header, so it must be said whose staff one is."""
    session = SignedIn(subject=world.staff["firefighter"])

    caller = caller_of(world.services, {"gateway.session": session}, form_token="t", at=AT)

    assert caller is not None
    assert (caller.name, caller.organisation_name) == ("Sam Okafor", FIRE.name)


def test_request_without_a_visit_is_a_fault() -> None:
    """It has no reference, so nothing that happens could be found again."""
    visit = Visit(reference=REFERENCE, at=AT)

    assert visit_of({"gateway.visit": visit}) is visit
    with pytest.raises(NotGuardedError):
        visit_of({"HTTP_GATEWAY.VISIT": visit})


def test_present_page_is_marked_and_a_page_below_it_as_well(world: World) -> None:
    """So that one knows where one is."""
    session = SignedIn(subject=world.staff["vetting-officer"])

    def marks(path: str) -> dict[str, tuple[object, object]]:
        items = navigation(world.engine, session, path=path, at=AT)
        return {str(item["href"]): (item["current"], item["active"]) for item in items}

    assert marks("/-/vetting")["/-/vetting"] == (True, True)
    assert marks("/-/vetting/nwas/70150")["/-/vetting"] == (False, True)
    assert marks("/-/vetting")["/-/policy"] == (False, False)


def test_navigation_looks_from_where_the_visit_came(world: World) -> None:
    """A page that opens from one network only has no link from another."""
    shipped = world.engine.policy_set
    zone = FromZones(frozenset({"vpn"}))
    rules = tuple(replace(each, when=(*each.when, zone)) for each in shipped.rules)
    engine = Engine.compile(replace(shipped, rules=rules))
    session = SignedIn(subject=world.staff["vetting-officer"])

    assert navigation(engine, session, path="/", at=AT, zone="vpn")
    assert not navigation(engine, session, path="/", at=AT, zone="internet")
    assert not navigation(engine, session, path="/", at=AT)
