"""`gateway policy who-can` and `what-can`: the gate's own answers, for everybody and everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.gateway.cli.test_explain import sign_in

if TYPE_CHECKING:
    from tests.gateway.cli.place import Place

MORNING = ("--at", "2026-11-20T09:00")
COLLEAGUE = {
    "directory_id": "1f8fad5b-d9cb-469f-a165-70867728950e",
    "username": "c.league",
    "name": "C League",
    "employee_number": "40012",
}


def test_who_can_lists_those_who_are_let_in_and_what_they_have_to_see_to(place: Place) -> None:
    sign_in(place)
    sign_in(place, **COLLEAGUE)
    place.hold("cheshire-fire/40011", "DBSB")

    answer = place.run("policy", "who-can", "pay.bank", "--json", *MORNING).json()

    assert answer == {
        "asked": 2,
        "people": [{"person": "cheshire-fire/40011", "name": "F Fighter", "needs": "step-up"}],
    }
    told = place.run("policy", "who-can", "pay.slip", *MORNING)
    assert "1 of 2 people who have signed in may read `pay.slip`" in told.out


def test_what_can_tells_of_every_function_whether_it_opens_and_what_would_open_it(
    place: Place,
) -> None:
    sign_in(place, posts=frozenset({"hr"}))
    place.hold("cheshire-fire/40011", "DBSB")

    told = place.run("policy", "what-can", "cheshire-fire/40011", "--json", *MORNING).json()

    rows = {row["function"]: row for row in told}
    assert rows["pay.slip"]["may"]
    assert rows["pay.bank"]["needs"] == "step-up"
    assert rows["hr.search"] == {
        "function": "hr.search",
        "may": False,
        "needs": "",
        "reason": "clearance-too-low",
        "would_let_in": "N2F",
    }
    assert rows["duty.me"]["reason"] == "no-agreement"
    shown = place.run("policy", "what-can", "cheshire-fire/40011", *MORNING).out
    assert "clearance-too-low" in shown


def test_what_is_not_there_is_told_with_what_is_near(place: Place) -> None:
    sign_in(place)

    assert "did you mean `pay.slip`" in place.run("policy", "who-can", "pay.slop").err
    assert "0 people" in place.run("policy", "what-can", "cheshire-fire/nobody").err
