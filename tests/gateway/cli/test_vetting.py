"""`gateway vetting`: tightening holds at once, loosening needs a second person, all is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import text

from gateway.bulletin import Bulletin
from gateway.store.engine import reading, writing
from tests.gateway.cli.place import AT, Place, Told
from vetting.grants import ClearanceGrant, GrantStatus
from vetting.person import PersonKey

FIRE = "cheshire-fire/40011"
OFFICER = "cheshire-police/100"


@pytest.fixture
def bulletin(place: Place) -> Iterator[Bulletin]:
    opened = Bulletin(place.settings.gateway.state_directory)
    yield opened
    opened.close()


def grant(place: Place, level: str = "N2F", by: str = "m.jones") -> Told:
    return place.run(
        "vetting", "grant", FIRE, level, "--granting-body", "cheshire-police",
        "--granted-on", "2026-01-01", "--expires-on", "2027-01-01", "--operator", by,
    )  # fmt: skip


def subjects(place: Place, bulletin: Bulletin) -> list[str]:
    with reading(place.store) as connection:
        return [subject for _, subject in bulletin.since(connection, 0)]


def test_a_suspension_holds_at_once_and_is_announced(place: Place, bulletin: Bulletin) -> None:
    place.hold(FIRE, "N2F", grant="g7", expires_on=date(2027, 1, 1))
    counter = bulletin.counter()

    told = place.run("vetting", "suspend", "g7", "--operator", "m.jones")

    assert told.code == 0, told.err
    assert place.reach(FIRE) == 0
    assert set(subjects(place, bulletin)) == {f"person:{FIRE}"}
    assert bulletin.counter() != counter


def test_the_history_names_the_operator(place: Place) -> None:
    place.hold(FIRE, "N2F", grant="g7", expires_on=date(2027, 1, 1))

    place.run("vetting", "withdraw", "g7", "--operator", "m.jones")

    shown = place.run("vetting", "show", FIRE, "--json").json()
    assert shown["history"][-1]["by"] == "m.jones"
    assert shown["grants"][0]["status"] == "withdrawn"
    assert shown["grants"][0]["counts"] is False


def test_the_first_entry_of_an_empty_register_is_made_at_once(place: Place) -> None:
    """Nobody is there yet who could approve it."""
    told = grant(place)

    assert told.code == 0, told.err
    assert told.out.startswith("done: grant N2F")
    assert place.reach(FIRE) != 0


def test_a_grant_takes_effect_only_when_somebody_else_approves_it(
    place: Place, bulletin: Bulletin
) -> None:
    place.hold(OFFICER, "RV", expires_on=date(2027, 1, 1))

    proposed = grant(place, by="m.jones")

    assert "takes effect when somebody else runs" in proposed.out
    assert place.reach(FIRE) == 0
    identifier = proposed.out.split()[-1]
    assert identifier in place.run("vetting", "proposals").out

    own = place.run("vetting", "approve", identifier, "--operator", " M.Jones ")
    assert own.code == 1
    assert "somebody else must approve it" in own.err
    assert place.reach(FIRE) == 0

    approved = place.run("vetting", "approve", identifier, "--operator", "a.khan")
    assert approved.code == 0, approved.err
    assert place.reach(FIRE) != 0
    assert subjects(place, bulletin) == [f"person:{FIRE}"]
    assert "m.jones, approved by a.khan" in place.run("vetting", "show", FIRE).out
    assert place.run("vetting", "approve", identifier, "--operator", "a.khan").code == 1
    assert "nothing waits" in place.run("vetting", "proposals").out


def test_a_rejected_proposal_is_gone(place: Place) -> None:
    place.hold(OFFICER, "RV", expires_on=date(2027, 1, 1))
    identifier = grant(place).out.split()[-1]

    assert place.run("vetting", "reject", identifier, "--operator", "m.jones").code == 0

    assert place.run("vetting", "approve", identifier, "--operator", "a.khan").code == 1
    assert place.reach(FIRE) == 0


def test_an_appointment_is_proposed_and_its_end_holds_at_once(place: Place) -> None:
    place.hold(OFFICER, "RV", expires_on=date(2027, 1, 1))
    words = ("vetting", "appoint", OFFICER, "auditor", "--starts-on", "2026-01-01")

    identifier = place.run(*words, "--operator", "m.jones").out.split()[-1]
    place.run("vetting", "approve", identifier, "--operator", "a.khan")

    assert place.run("vetting", "show", OFFICER, "--json").json()["appointments"] == ["auditor"]
    ended = place.run("vetting", "end-appointment", OFFICER, "auditor", "--operator", "m.jones")
    assert ended.code == 0, ended.err
    assert place.run("vetting", "show", OFFICER, "--json").json()["appointments"] == []


def test_a_grant_for_named_functions_comes_back_for_these_only(place: Place) -> None:
    """Suspend and restore must not be a way to lose a restriction."""
    place.hold(FIRE, "N2F", grant="g7", expires_on=date(2027, 1, 1))
    with writing(place.store) as connection:
        place.register.change_status(
            connection,
            "g7",
            GrantStatus.RESTRICTED,
            by="test",
            at=AT,
            functions=frozenset({"pay.slip"}),
        )
    place.run("vetting", "suspend", "g7", "--operator", "m.jones")

    identifier = place.run("vetting", "restore", "g7", "--operator", "m.jones").out.split()[-1]
    place.run("vetting", "approve", identifier, "--operator", "a.khan")

    with reading(place.store) as connection:
        clearance = place.register.clearance_of(connection, PersonKey.from_text(FIRE))
    assert clearance.grants[0].status is GrantStatus.RESTRICTED
    assert clearance.reach(at=AT) == 0
    assert clearance.reach(at=AT, function="pay.slip") != 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("suspend", "g99"), "grant `g99` is not there"),
        (("show", "40011"), "`40011` is not of the form organisation/number"),
        (("approve", "../../x"), "is not the id of a proposal"),
        (("end-appointment", OFFICER, "auditor"), "is not appointed"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    place: Place, words: tuple[str, ...], expected: str
) -> None:
    told = place.run("vetting", *words)

    assert told.code == 1
    assert expected in told.err
    assert len(told.err.splitlines()) == 1


def test_an_unknown_level_is_refused_before_anything_is_proposed(place: Place) -> None:
    place.hold(OFFICER, "RV", expires_on=date(2027, 1, 1))

    told = grant(place, level="NPPV9")

    assert told.code == 1
    assert "NPPV9" in told.err
    assert "nothing waits" in place.run("vetting", "proposals").out
    assert not place.settings.record.directory.exists()


def test_a_change_that_cannot_be_recorded_does_not_happen(place: Place) -> None:
    place.hold(FIRE, "N2F", grant="g7", expires_on=date(2027, 1, 1))
    place.settings.record.directory.write_text("a file where the record should be")

    told = place.run("vetting", "suspend", "g7")

    assert told.code == 1
    assert place.reach(FIRE) != 0


def test_levels_lists_what_each_satisfies(place: Place) -> None:
    rows = {row["id"]: row for row in place.run("vetting", "levels", "--json").json()}

    assert len(rows) == 15
    assert "DBSB" in rows["N2F"]["satisfies"]
    assert "N2F" not in rows["N2A"]["satisfies"]


def held_by(place: Place, person: str = FIRE) -> list[ClearanceGrant]:
    with reading(place.store) as connection:
        known = place.register.read(connection, PersonKey.from_text(person))
    return list(known.clearance.grants)


def approved(place: Place, told: Told) -> Told:
    """Have a second officer approve what was just proposed."""
    assert told.code == 0, told.err
    return place.run("vetting", "approve", told.out.split()[-1], "--operator", "a.khan")


def test_one_person_under_two_names_cannot_loosen_anything(place: Place) -> None:
    """What counts is the account that is logged in, unless the settings say it is a trial."""
    place.hold(OFFICER, "RV", expires_on=date(2027, 1, 1))
    text = place.config.read_text().replace('two_officers = "names"\n', "")
    place.config.write_text(text)

    told = approved(place, grant(place))

    assert told.code == 1
    assert "logged in as themselves" in told.err
    assert place.reach(FIRE) == 0
    assert grant(place).code == 0


def test_a_grant_gets_the_length_of_its_level_where_no_day_is_given(place: Place) -> None:
    told = place.run(
        "vetting", "grant", OFFICER, "RV", "--granting-body", "cheshire-police",
        "--granted-on", "2024-02-29", "--operator", "m.jones",
    )  # fmt: skip

    assert told.code == 0, told.err
    (held,) = held_by(place, OFFICER)
    assert (held.expires_on, held.review_due_on) == (date(2034, 2, 28), date(2025, 2, 28))


def test_a_reference_is_sealed_in_the_database_the_proposal_and_the_history(place: Place) -> None:
    place.hold(OFFICER, "RV", expires_on=date(2027, 1, 1))
    proposed = place.run(
        "vetting", "grant", FIRE, "N2F", "--granting-body", "cheshire-police", "--granted-on",
        "2026-01-01", "--reference", "CP/2026/0042", "--operator", "m.jones",
    )  # fmt: skip
    folder = place.settings.gateway.state_directory
    (file,) = (folder / "vetting-proposals").glob("*.json")
    assert "0042" not in file.read_text()

    assert approved(place, proposed).code == 0

    shown = place.run("vetting", "show", FIRE, "--json").json()
    assert shown["grants"][0]["reference"] == "CP/2026/0042"
    assert "0042" not in str(shown["history"])
    place.store.dispose()
    for each in folder.glob("gateway.sqlite*"):
        assert b"CP/2026/0042" not in each.read_bytes()


def test_a_sentence_is_no_reference(place: Place) -> None:
    told = place.run(
        "vetting", "grant", FIRE, "N2F", "--granting-body", "cheshire-police", "--granted-on",
        "2026-01-01", "--reference", "see note on debts", "--operator", "m.jones",
    )  # fmt: skip

    assert told.code == 1
    assert "nothing about findings" in told.err


def test_show_says_what_was_held_at_any_moment(place: Place) -> None:
    place.hold(FIRE, "N2F", grant="g7", expires_on=date(2027, 1, 1))  # on the morning of `AT`
    place.run("vetting", "suspend", "g7", "--operator", "m.jones")

    def at(moment: str) -> list[bool]:
        shown = place.run("vetting", "show", FIRE, "--at", moment, "--json").json()
        return [each["counts"] for each in shown["grants"]]

    assert at("2026-11-20T08:59") == []
    assert at("2026-11-20T09:00") == [True]
    assert place.run("vetting", "show", FIRE, "--json").json()["grants"][0]["counts"] is False
    assert place.run("vetting", "show", FIRE, "--at", "2026-11-20T09:00").err == ""


def test_rows_changed_past_the_register_are_told(place: Place) -> None:
    place.hold(FIRE, "N2F", grant="g7", expires_on=date(2027, 1, 1))
    with writing(place.store) as connection:
        connection.execute(text("UPDATE vetting_grant SET expires_on = '2036-01-01'"))

    assert "are not those its history leads to" in place.run("vetting", "show", FIRE).err


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("suspend", "g7"), GrantStatus.SUSPENDED),
        (("withdraw", "g7"), GrantStatus.WITHDRAWN),
        (("terminate", "g7"), GrantStatus.TERMINATED),
        (("transfer", "g7"), GrantStatus.TRANSFERRED),
        (("review", "g7"), GrantStatus.UNDER_REVIEW),
        (("restrict", "g7", "pay.slip"), GrantStatus.RESTRICTED),
        (("downgrade", "g7", "N2F"), GrantStatus.DOWNGRADED),
    ],
)
def test_what_tightens_is_made_at_once_by_one_officer(
    place: Place, words: tuple[str, ...], status: GrantStatus
) -> None:
    place.hold(FIRE, "N3", grant="g7", expires_on=date(2027, 1, 1))

    told = place.run("vetting", *words, "--operator", "m.jones")

    assert told.code == 0, told.err
    assert held_by(place)[-1 if status is not GrantStatus.DOWNGRADED else 1].status in {
        status,
        GrantStatus.GRANTED,
    }
    assert {each.status for each in held_by(place)} - {GrantStatus.GRANTED} == {status}


def test_tightening_never_loosens(place: Place) -> None:
    """None of the commands that one officer may use makes anything count that did not."""
    place.hold(FIRE, "N2F", grant="g7", expires_on=date(2027, 1, 1))
    place.run("vetting", "restrict", "g7", "pay.slip", "--operator", "m.jones")

    more = place.run("vetting", "restrict", "g7", "pay.slip", "pay.bank", "--operator", "m.jones")
    assert "more is a loosening" in more.err
    place.run("vetting", "review", "g7", "--operator", "m.jones")
    assert held_by(place)[0].functions == {"pay.slip"}
    place.run("vetting", "suspend", "g7", "--operator", "m.jones")
    for words in (("review", "g7"), ("restrict", "g7", "pay.slip"), ("downgrade", "g7", "N2A")):
        refused = place.run("vetting", *words, "--operator", "m.jones")
        assert "is suspended" in refused.err
    assert place.reach(FIRE) == 0


def test_a_renewal_and_a_lifted_restriction_need_two(place: Place) -> None:
    place.hold(FIRE, "N2F", grant="g7", expires_on=date(2027, 1, 1))
    place.run("vetting", "restrict", "g7", "pay.slip", "--operator", "m.jones")

    for words in (("renew", "g7", "--expires-on", "2029-01-01"), ("lift", "g7")):
        told = place.run("vetting", *words, "--operator", "m.jones")
        assert "takes effect when somebody else runs" in told.out
        assert approved(place, told).code == 0

    (held,) = held_by(place)
    assert (held.expires_on, held.functions) == (date(2029, 1, 1), frozenset())


def test_who_moves_is_announced_under_both_numbers(place: Place, bulletin: Bulletin) -> None:
    place.hold(FIRE, "N2F", grant="g7", expires_on=date(2027, 1, 1))
    police = "cheshire-police/70123"
    joined = place.run("vetting", "join", FIRE, "p1", "--starts-on", "2020-01-01")
    assert approved(place, joined).code == 0

    moved = place.run("vetting", "move", FIRE, police, "p1", "--starts-on", "2026-11-01")
    assert approved(place, moved).code == 0

    assert subjects(place, bulletin) == [f"person:{FIRE}", f"person:{FIRE}", f"person:{police}"]
    assert place.reach(FIRE) == 0
    shown = place.run("vetting", "show", police, "--json").json()
    assert shown["memberships"][0]["in_force"] is True
    told = place.run("vetting", "leave", police, "--operator", "m.jones")
    assert told.code == 0, told.err
    shown = place.run("vetting", "show", police, "--json").json()
    assert shown["memberships"][0]["in_force"] is False
