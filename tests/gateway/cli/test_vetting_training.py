"""`gateway vetting training`: entered by two officers, ended by one, as of any moment."""

from __future__ import annotations

from datetime import date

from tests.gateway.cli.place import Place, Told

FIRE = "cheshire-fire/40011"
OFFICER = "cheshire-police/100"


def add(place: Place, *more: str, by: str = "m.jones") -> Told:
    return place.run(
        *("vetting", "training", "add", FIRE, "custody.safety"),
        *("--completed-on", "2026-01-05", "--awarding-body", "College of Policing"),
        *more,
        *("--operator", by),
    )


def listed(place: Place, *more: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = place.run(
        "vetting", "training", "list", FIRE, "--json", *more
    ).json()
    return rows


def test_a_training_is_proposed_by_one_and_approved_by_another(place: Place) -> None:
    place.hold(OFFICER, "RV", expires_on=date(2099, 1, 1))
    proposed = add(place, "--expires-on", "2098-12-31")
    assert "takes effect when somebody else runs" in proposed.out
    assert listed(place) == []

    identifier = proposed.out.split()[-1]
    assert place.run("vetting", "approve", identifier, "--operator", "m.jones").code == 1
    approved = place.run("vetting", "approve", identifier, "--operator", "a.khan")

    assert "training custody.safety of cheshire-fire/40011 until 2098-12-31" in approved.out
    assert listed(place) == [
        {
            "course": "custody.safety",
            "counts": True,
            "completed_on": "2026-01-05",
            "expires_on": "2098-12-31",
            "awarding_body": "College of Policing",
        }
    ]
    assert listed(place, "--at", "2026-01-04T09:00") == []
    assert "m.jones, approved by a.khan" in place.run("vetting", "show", FIRE).out


def test_a_training_is_ended_at_once_by_one_officer(place: Place) -> None:
    add(place)  # the first entry of an empty register needs nobody else
    ended = place.run(
        *("vetting", "training", "end", FIRE, "custody.safety"), "--operator", "a.khan"
    )

    assert ended.code == 0, ended.err
    assert [row["counts"] for row in listed(place)] == [False]
    assert "no" in place.run("vetting", "training", "list", FIRE).out.split()
    again = place.run(
        *("vetting", "training", "end", FIRE, "custody.safety"), "--operator", "a.khan"
    )
    assert (again.code, "has no training" in again.err) == (1, True)


def test_what_is_no_training_is_refused_before_anybody_is_asked(place: Place) -> None:
    place.hold(OFFICER, "RV", expires_on=date(2099, 1, 1))
    told = add(place, "--expires-on", "2025-01-01")

    assert (told.code, "lapses before it was completed" in told.err) == (1, True)
    assert "nothing waits" in place.run("vetting", "proposals").out
