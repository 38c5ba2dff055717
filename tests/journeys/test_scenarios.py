"""The tests that every shared service must pass: X1 to X4, and what the Cheshire scenario adds."""

from __future__ import annotations

from deploy.demo.staff import StaffMember
from deploy.demo.visitor import Visitor
from tests.journeys.demo_fixture import Demo
from tests.journeys.record_reader import entries_of
from tests.journeys.staff_finder import fire_staff_who_hold, namesakes

PAYSLIP = "/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP"


def signed_in(demo: Demo, member: StaffMember) -> Visitor:
    visitor = demo.stranger()
    page = visitor.sign_in(member.organisation, member.username, demo.accounts.password)
    assert page.status == 303, page.status
    return visitor


def opens_nothing(visitor: Visitor) -> bool:
    """Tell whether somebody who is signed in gets at nothing at all."""
    targets = (PAYSLIP, "/estates/jobs", "/vetting/me", "/OA_HTML/OA.jsp?OAFunc=HR_LOA_SS")
    return visitor.tiles() == [] and {visitor.get(one).status for one in targets} == {403}


def test_the_same_name_in_two_organisations_is_two_subjects(demo: Demo) -> None:
    """X2: what tells people apart is organisation and the directory's own id, not the name."""
    constable, firefighter = namesakes()
    visitors = [signed_in(demo, member) for member in (constable, firefighter)]
    pages = [visitor.get(PAYSLIP) for visitor in visitors]
    askers = [page.seen.data["data-asker"] for page in pages]
    rows = entries_of(demo.places, [page.headers["gateway-reference"] for page in pages])
    for visitor in visitors:
        visitor.sign_out()

    assert constable.username == firefighter.username
    assert askers == [[constable.employee_number], [firefighter.employee_number]]
    names = {row.personal["actor_name"] for row in rows.values()}
    assert names == {
        f"{firefighter.username}@cheshire-fire",
        f"{constable.username}@cheshire-police",
    }
    assert len({row.personal["staff_id"] for row in rows.values()}) == 2


def test_rights_never_leak_from_one_identity_to_the_other(demo: Demo) -> None:
    """X3: an on-call firefighter who is a constable too has each one's rights, one at a time."""
    constable, firefighter = namesakes()
    as_police, as_fire = signed_in(demo, constable), signed_in(demo, firefighter)
    roster = [visitor.get("/dms/me/roster").status for visitor in (as_police, as_fire)]
    tiles = [{tile.function for tile in one.tiles()} for one in (as_police, as_fire)]
    number = constable.employee_number
    crossed = as_fire.get(f"{PAYSLIP}&person_id={number}").status
    as_police.sign_out()
    after = as_fire.get(PAYSLIP).status
    as_fire.sign_out()

    assert roster == [200, 404]
    assert "duty.me" in tiles[0] - tiles[1]
    assert crossed == 403
    assert after == 200


def test_one_browser_is_one_identity(demo: Demo) -> None:
    """X3 at one browser: signing in as the other takes the first one's rights away."""
    constable, firefighter = namesakes()
    visitor = signed_in(demo, constable)
    old = dict(visitor.cookies)
    visitor.sign_out()
    visitor.sign_in(firefighter.organisation, firefighter.username, demo.accounts.password)
    now = visitor.get("/dms/me/roster").status
    before = Visitor(port=demo.places.port, cookies=old).get("/dms/me/roster").status
    visitor.sign_out()

    assert now == 404
    assert before == 303


def test_a_partners_claim_of_vetting_is_ignored(demo: Demo) -> None:
    """X4: the directory of the fire service says NPPV3 of the firefighter, aloud."""
    member = demo.accounts["firefighter"]
    visitor = demo.visitor("firefighter")
    portal = visitor.get("/-/portal")

    assert member.vetting_claim == "NPPV3"
    assert "hr.search" not in {tile.function for tile in portal.seen.tiles}
    assert visitor.get("/OA_HTML/OA.jsp?OAFunc=XX_PERSEARCH").status == 403
    assert "NPPV" not in portal.text


def test_an_account_that_the_register_does_not_know_opens_nothing(demo: Demo) -> None:
    """B3 and X1: a directory vouches for them, and no screening of theirs is registered."""
    for level in ("N1", "N2A"):
        visitor = signed_in(demo, fire_staff_who_hold(level))
        shut = opens_nothing(visitor)
        portal = visitor.get("/-/portal")
        visitor.sign_out()
        assert shut, level
        assert "Nothing is open to you yet" in portal.text


def test_an_account_left_open_after_a_move_lets_nobody_in(demo: Demo) -> None:
    """X1: fire identity until yesterday, police identity with vetting in progress from today."""
    accounts = demo.accounts
    old, new = accounts["moved"], accounts["moved-police"]
    visitor = demo.stranger()
    answered = visitor.sign_in(old.organisation, old.username, accounts.password)
    shut = visitor.get("/-/portal").status
    tiles = {tile.function for tile in demo.visitor(new.username).tiles()}

    assert answered.status in range(400, 500)
    assert shut == 303
    assert old.name == new.name
    assert "pay.slip" in tiles
    assert "fleet.work" not in tiles
