"""`gateway policy plan|apply|approve|...`: tighten at once, loosen with a second person."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from gateway.bulletin import Bulletin
from gateway.cli import policy_change
from gateway.policy_versions import PolicyVersions
from gateway.store.engine import writing
from gateway.store.schema_policy import policy_version
from policies.policy_files import PolicyFiles
from tests.gateway.cli.place import LIBRARY, Place
from tests.policies.people import cheshire, copied_set

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
EARLIER, LATER = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def fewer_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Casbin takes milliseconds a question; how many are asked is no matter here."""
    monkeypatch.setattr(policy_change, "ORACLE_SAMPLE", 50)


@pytest.fixture
def served(place: Place) -> Place:
    """A gateway that has been started once."""
    bulletin = Bulletin(place.settings.gateway.state_directory)
    PolicyVersions(place.store, bulletin).begin(PolicyFiles.read(LIBRARY), cheshire(), at=AT)
    bulletin.close()
    return place


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    return copied_set(tmp_path / "edited")


def tighten(directory: Path) -> None:
    """Suspend the ambulance service's agreement."""
    path = directory / "agreements.toml"
    text = path.read_text()
    start = text.index('id = "nwas-premises"')
    path.write_text(text[:start] + text[start:].replace('"in-force"', '"suspended"'))


def loosen(directory: Path) -> None:
    """Offer the ambulance service pool vehicles."""
    path = directory / "agreements.toml"
    text = path.read_text()
    path.write_text(
        text.replace('["est.job", "ict.ticket"]', '["est.job", "ict.ticket", "fleet.book"]')
    )


def rewrite(place: Place, number: int, **values: str) -> None:
    """Change a stored version behind the program's back, as an upgrade may read it otherwise."""
    with writing(place.store) as connection:
        connection.execute(
            update(policy_version).where(policy_version.c.number == number).values(**values)
        )


def in_force(place: Place) -> int:
    (number,) = (
        row["number"]
        for row in place.run("policy", "versions", "--json").json()
        if row["state"] == "in-force"
    )
    return int(number)


def test_plan_tells_what_would_change_and_changes_nothing(served: Place, edited: Path) -> None:
    assert "nothing differs" in served.run("policy", "plan", str(edited)).out
    tighten(edited)
    told = served.run("policy", "plan", str(edited))

    assert "changed agreement `nwas-premises` (tightens)" in told.out
    assert "only tightens" in told.out
    assert in_force(served) == 1


def test_what_only_tightens_is_in_force_at_once_and_on_the_record(
    served: Place, edited: Path
) -> None:
    tighten(edited)
    told = served.run(
        "policy", "apply", str(edited), "--operator", "p.lyall", "--reason", "incident 7"
    )

    assert told.code == 0, told.err
    assert "version 2 is in force" in told.out
    assert "engine and Casbin agree on 50 questions (" in told.err
    assert in_force(served) == 2
    shown = served.run("policy", "show", "--json").json()
    assert [each["in_force"] for each in shown["agreements"] if each["id"] == "nwas-premises"] == [
        False
    ]
    assert shown["digest"] != cheshire().digest


def test_what_may_loosen_waits_for_somebody_else(served: Place, edited: Path) -> None:
    loosen(edited)
    told = served.run("policy", "apply", str(edited), "--operator", "p.lyall", "--reason", "asked")
    assert told.code == 0, told.err
    assert "version 2 waits" in told.out
    assert in_force(served) == 1

    own = served.run("policy", "approve", "2", "--operator", "P.LYALL")
    assert own.code == 1
    assert "somebody else must approve" in own.err
    assert in_force(served) == 1

    other = served.run("policy", "approve", "2", "--operator", "h.oldroyd")
    assert other.code == 0, other.err
    assert in_force(served) == 2


UNREADABLE = json.dumps({**PolicyFiles.read(LIBRARY).texts, "rules.toml": "rule = 1"})


@pytest.mark.parametrize("stored", [{"digest": "0" * 64}, {"files": UNREADABLE}])
def test_a_version_that_an_upgrade_reads_otherwise_is_replaced_by_two_people(
    served: Place, edited: Path, stored: dict[str, str]
) -> None:
    """No worker starts by such a version, and the message there says to do this."""
    rewrite(served, 1, **stored)
    told = served.run("policy", "apply", str(edited), "--operator", "p.lyall", "--reason", "3.0")
    assert told.code == 0, told.err
    assert "this program reads it otherwise" in told.out
    assert "version 2 waits" in told.out

    assert served.run("policy", "approve", "2", "--operator", "h.oldroyd").code == 0
    assert in_force(served) == 2
    assert served.run("policy", "show", "--json").json()["digest"] == cheshire().digest


def test_a_proposal_that_means_something_else_now_is_not_approved(
    served: Place, edited: Path
) -> None:
    """Put in force, it would stop every worker."""
    loosen(edited)
    served.run("policy", "apply", str(edited), "--operator", "p.lyall", "--reason", "asked")
    rewrite(served, 2, digest="0" * 64)
    refused = served.run("policy", "approve", "2", "--operator", "h.oldroyd")

    assert refused.code == 1
    assert "propose it again" in refused.err
    assert in_force(served) == 1


def test_a_folder_that_changes_while_it_is_read_is_refused(
    served: Place, edited: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is stored must be what was compared."""
    tighten(edited)
    read = PolicyFiles.read

    def late(directory: Path) -> PolicyFiles:
        loosen(directory)
        return read(directory)

    monkeypatch.setattr(PolicyFiles, "read", late)
    refused = served.run("policy", "apply", str(edited), "--operator", "p.lyall", "--reason", "x")

    assert refused.code == 1
    assert "was changed while it was read" in refused.err
    assert len(served.run("policy", "versions", "--json").json()) == 1


def test_a_proposal_can_be_taken_back(served: Place, edited: Path) -> None:
    loosen(edited)
    served.run("policy", "apply", str(edited), "--operator", "p.lyall", "--reason", "asked")

    assert served.run("policy", "drop", "2", "--operator", "p.lyall").code == 0
    refused = served.run("policy", "approve", "2", "--operator", "h.oldroyd")
    assert refused.code == 1
    assert "it is dropped" in refused.err


def test_a_set_whose_own_tables_do_not_hold_is_not_applied(served: Place, edited: Path) -> None:
    tighten(edited)
    (edited / "decision_tables").mkdir()
    (edited / "decision_tables" / "nwas.toml").write_text(
        'on = 2026-11-21T12:00:00Z\n[[case]]\nwhy = "a paramedic reports a fault"\n'
        'organisation = "nwas"\nlevels = ["DBSE"]\nasks = "est.job"\n'
        'gate = "permitted"\nreason = "rule-permits"\n'
    )
    told = served.run("policy", "apply", str(edited), "--operator", "p.lyall", "--reason", "x")

    assert told.code == 1
    assert "a paramedic reports a fault" in told.err
    assert in_force(served) == 1


def test_a_broken_folder_is_refused_with_its_faults(served: Place, edited: Path) -> None:
    (edited / "rules.toml").write_text("rule = 1")
    told = served.run("policy", "apply", str(edited), "--operator", "p.lyall", "--reason", "x")

    assert told.code == 1
    assert "rules.toml:1" in told.err
    assert len(served.run("policy", "versions", "--json").json()) == 1


def test_export_writes_a_version_byte_for_byte(served: Place, tmp_path: Path) -> None:
    place = tmp_path / "written"
    told = served.run("policy", "export", "1", str(place))
    assert told.code == 0, told.err
    (folder,) = {path.parent for path in place.rglob("agreements.toml")}

    assert PolicyFiles.read(folder) == PolicyFiles.read(LIBRARY)
    assert "nothing differs" in served.run("policy", "plan", str(folder)).out
    assert served.run("policy", "export", "1", str(place)).code == 1
    assert served.run("policy", "export", "9", str(tmp_path / "no")).code == 1


def test_before_the_first_start_it_says_what_to_do(place: Place, edited: Path) -> None:
    told = place.run("policy", "plan", str(edited))

    assert told.code == 1
    assert "start the service once" in told.err


def doubt(place: Place, function: str = "pay.slip", *, at: datetime = EARLIER) -> frozenset[str]:
    """Withhold a function under the version in force, as the live oracle does."""
    bulletin = Bulletin(place.settings.gateway.state_directory)
    versions = PolicyVersions(place.store, bulletin)
    versions.doubt(in_force(place), function, at=at)
    found = versions.doubted(in_force(place))
    bulletin.close()
    return found


def doubted(place: Place) -> frozenset[str]:
    bulletin = Bulletin(place.settings.gateway.state_directory)
    found = PolicyVersions(place.store, bulletin).doubted(in_force(place))
    bulletin.close()
    return found


def test_a_doubt_is_lifted_by_the_same_set_and_a_second_person(served: Place, edited: Path) -> None:
    """When what was wrong is mended, the set need not change for people to get in again."""
    assert doubt(served) == {"pay.slip"}
    told = served.run("policy", "apply", str(edited), "--operator", "p.lyall", "--reason", "mended")

    assert told.code == 0, told.err
    assert "lifted doubt `pay.slip` (may loosen)" in told.out
    assert "version 2 waits" in told.out
    assert doubted(served) == {"pay.slip"}
    assert served.run("policy", "approve", "2", "--operator", "p.lyall").code == 1
    assert doubt(served, "hr.me", at=LATER) == {"pay.slip", "hr.me"}
    assert served.run("policy", "approve", "2", "--operator", "h.marsh").code == 0
    assert in_force(served) == 2
    assert doubted(served) == {"hr.me"}, "nobody has looked at what was found since"


def test_what_one_person_tightens_lifts_no_doubt(served: Place, edited: Path) -> None:
    doubt(served)
    tighten(edited)
    told = served.run("policy", "apply", str(edited), "--operator", "p.lyall", "--reason", "now")

    assert "version 2 is in force" in told.out
    assert "doubt" not in told.out
    assert doubted(served) == {"pay.slip"}
