"""`gateway explain`: the same answer as the gate, with every reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from gateway.identity.directories.directory import DirectoryPerson
from gateway.identity.staff import remember
from gateway.store.engine import writing
from policies.criteria.factor_age import FactorShownWithin
from policies.criteria.training import TrainedIn
from policies.criteria.zone import FromZones
from policies.policy_set import load_policy_set
from tests.gateway.cli.place import AT, LIBRARY, Place

PAYSLIP = "/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP"


def sign_in(place: Place, **changes: object) -> None:
    """Let the directory vouch for a firefighter."""
    described = {
        "directory_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
        "username": "f.fighter",
        "name": "F Fighter",
        "employee_number": "40011",
        "posts": frozenset({"firefighter"}),
        "unit": "Blue Watch",
        "team": frozenset[str](),
        "mail": "",
    }
    with writing(place.store) as connection:
        remember(connection, "cheshire-fire", DirectoryPerson(**described | changes), AT)  # type: ignore[arg-type]


def test_a_permit_is_explained_for_someone_who_has_signed_in(place: Place) -> None:
    sign_in(place)
    place.hold("cheshire-fire/40011", "DBSB")

    words = (
        "explain",
        "--person",
        "cheshire-fire/f.fighter",
        "--url",
        PAYSLIP,
        "--at",
        "2026-11-20T09:00",
    )
    told = place.run(*words)

    assert told.code == 0
    assert told.out.startswith("permit: My payslip (pay.slip)")
    answer = place.run(*words, "--json").json()
    assert (answer["effect"], answer["gate"], answer["function"]) == (
        "permit",
        "permitted",
        "pay.slip",
    )
    assert answer["explanation"]


def test_a_refusal_tells_what_would_let_the_person_in(place: Place) -> None:
    sign_in(place)
    place.hold("cheshire-fire/40011", "N1", expires_on=date(2027, 1, 1))

    answer = place.run(
        "explain", "--person", "40011", "--organisation", "cheshire-fire", "--url", PAYSLIP,
        "--at", "2026-11-20", "--json",
    ).json()  # fmt: skip

    assert (answer["effect"], answer["gate"]) == ("deny", "clearance")
    assert ["DBSB"] in answer["would_let_in"]
    assert answer["told"][0]["sentence"]


def test_what_had_ended_is_seen_as_of_the_instant_asked_about(place: Place) -> None:
    sign_in(place)
    place.hold("cheshire-fire/40011", "N3", expires_on=date(2026, 11, 19))
    words = ("explain", "--person", "cheshire-fire/40011", "--url", PAYSLIP, "--json", "--at")

    assert place.run(*words, "2026-11-19T23:59").json()["effect"] == "permit"
    assert place.run(*words, "2026-11-20T00:00").json()["effect"] == "deny"


def test_another_persons_payslip_is_another_question(place: Place) -> None:
    sign_in(place)
    place.hold("cheshire-fire/40011", "DBSB")
    place.hold("cheshire-fire/40012", "DBSB", grant="g2")
    url = f"{PAYSLIP}&person_id=40012"

    answer = place.run("explain", "--person", "cheshire-fire/40011", "--url", url, "--json").json()

    assert (answer["effect"], answer["gate"]) == ("deny", "rule")


def test_a_number_that_two_employers_gave_out_is_nobodys_own(place: Place) -> None:
    """The gate cannot tell whose record is meant, and so must `explain`."""
    sign_in(place)
    place.hold("cheshire-fire/40011", "DBSB")
    words = ("explain", "--person", "cheshire-fire/40011", "--json", "--url")
    url = f"{PAYSLIP}&person_id=40011"
    assert place.run(*words, url).json()["effect"] == "permit"

    place.hold("cheshire-police/40011", "RV", grant="g2", expires_on=date(2030, 1, 1))

    assert place.run(*words, url).json()["effect"] == "deny"


def test_someone_who_never_signed_in_is_taken_as_described(place: Place) -> None:
    place.hold("cheshire-fire/40099", "DBSB")

    told = place.run(
        "explain", "--person", "cheshire-fire/40099", "--post", "firefighter", "--url", PAYSLIP
    )

    assert told.out.startswith("permit")
    assert "has never signed in" in told.err


def test_a_url_that_means_no_function_is_told_as_404(place: Place) -> None:
    sign_in(place)
    words = ("explain", "--person", "cheshire-fire/40011", "--url", "/OA_HTML/nothing")

    assert place.run(*words).out.startswith("refused with 404")
    assert place.run(*words, "--json").json()["status"] == 404


def test_a_url_in_disguise_is_told_as_400(place: Place) -> None:
    sign_in(place)

    told = place.run("explain", "--person", "cheshire-fire/40011", "--url", "/OA_HTML/%2e%2e/x")

    assert told.code == 1
    assert "would be refused with 400" in told.err


def test_nobody_known_is_told_with_what_to_do(place: Place) -> None:
    told = place.run("explain", "--person", "cheshire-fire/nobody", "--url", PAYSLIP)

    assert told.code == 1
    assert "`cheshire-fire/nobody` has never signed in and is not in the register" in told.err


def test_an_unknown_organisation_is_told_with_those_known(place: Place) -> None:
    told = place.run("explain", "--person", "cheshire-fir/1", "--url", PAYSLIP)

    assert told.code == 1
    assert "known: cheshire-police, cheshire-fire, nwas" in told.err


def test_where_they_are_what_they_learnt_and_when_they_showed_a_factor_can_be_said(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = (
        FromZones(frozenset({"internet"})),
        FactorShownWithin(15),
        TrainedIn(frozenset({"driving"})),
    )
    shipped = load_policy_set(LIBRARY)
    rules = tuple(replace(each, when=(*each.when, *more)) for each in shipped.rules)
    asked = replace(shipped, rules=rules)
    monkeypatch.setattr("gateway.cli.explain.policy_set_in_force", lambda _: asked)
    sign_in(place)
    place.hold("cheshire-fire/40011", "DBSB")
    words = ("explain", "--person", "cheshire-fire/40011", "--url", PAYSLIP, "--json")
    trained, outside = ("--training", "driving"), ("--zone", "internet")

    def answer(*more: str) -> Any:
        return place.run(*words, *more).json()["effect"]

    assert answer(*trained, *outside, "--second-factor-minutes", "14") == "permit"
    assert answer(*trained, *outside, "--factor", "second-factor") == "permit"
    assert answer(*trained, *outside, "--second-factor-minutes", "15") == "deny"
    assert answer(*trained, *outside) == "deny"
    assert answer(*trained, "--second-factor-minutes", "14") == "deny"
    assert answer(*outside, "--second-factor-minutes", "14") == "deny"
    told = place.run(*words, "--zone", "moon")
    assert "`moon` is not a zone; known: internet" in told.err


def test_a_url_means_what_is_reached_at_its_host(place: Place) -> None:
    sign_in(place)
    place.hold("cheshire-fire/40011", "DBSB")
    config = place.settings.file
    assert config is not None
    text = config.read_text()
    config.write_text(text.replace('paths = ["/"]', 'paths = ["/"]\npublic_host = "ebs.localhost"'))
    asked = ("explain", "--person", "cheshire-fire/f.fighter", "--json", "--url")

    at_host = place.run(*asked, f"http://ebs.localhost:8080{PAYSLIP}").json()
    at_main = [place.run(*asked, f"{before}{PAYSLIP}") for before in ("", "http://localhost:8080")]
    elsewhere = place.run(*asked, f"http://fleet.localhost:8080{PAYSLIP}")

    assert (at_host["effect"], at_host["function"]) == ("permit", "pay.slip")
    assert [told.json()["status"] for told in at_main] == [404, 404]
    assert elsewhere.code != 0
    assert (
        "`fleet.localhost:8080` is no host of the gateway; known: http://localhost:8080, http://ebs"
        in elsewhere.err
    )
