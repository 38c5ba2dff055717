"""`gateway audit`: find, follow and prove what was recorded."""

from __future__ import annotations

import csv
import io
import shutil
from datetime import date
from pathlib import Path

import pytest

from gateway.cli.main import run
from tests.gateway.cli.place import Place


@pytest.fixture
def recorded(place: Place) -> Place:
    """Suspend a grant on the record, by an operator whose name a spreadsheet would calculate."""
    place.hold("cheshire-fire/40011", "N2F", grant="g7", expires_on=date(2027, 1, 1))
    assert place.run("vetting", "suspend", "g7", "--operator", "=m.jones").code == 0
    place.sequence()
    return place


def log_of(place: Place) -> Path:
    return place.settings.record.directory / "log"


def test_a_change_is_found_with_its_operator_and_its_outcome(recorded: Place) -> None:
    rows = recorded.run("audit", "search", "--kind", "vetting_change", "--json").json()

    assert [(row["outcome"], row["result"]) for row in rows] == [("permit", "permit")]
    assert rows[0]["person"] == "=m.jones (command line)"
    assert rows[0]["subject"] == "cheshire-fire/40011"
    assert rows[0]["code"] == "vetting-suspended"


def test_a_person_is_found_by_number_though_never_signed_in(recorded: Place) -> None:
    rows = recorded.run("audit", "search", "--person", "cheshire-fire/40011", "--json").json()

    assert [row["code"] for row in rows] == ["vetting-suspended"]
    assert recorded.run("audit", "search", "--person", "nwas/1", "--json").json() == []


def test_an_entry_is_found_by_its_reference_however_it_is_typed(recorded: Place) -> None:
    rows = recorded.run("audit", "search", "--kind", "vetting_change", "--json").json()
    reference = rows[0]["reference"]

    found = recorded.run("audit", "search", "--reference", reference.lower(), "--json").json()

    assert {row["reference"] for row in found} == {reference}
    assert reference in recorded.run("audit", "search").out


def test_who_searched_is_itself_on_the_record(recorded: Place) -> None:
    recorded.run("audit", "search", "--function", "pay.slip", "--operator", "a.khan")
    recorded.sequence()

    rows = recorded.run("audit", "search", "--kind", "audit_query", "--json").json()

    assert "a.khan (command line)" in {row["person"] for row in rows}


def test_nothing_is_shown_that_cannot_be_recorded(recorded: Place) -> None:
    journal = recorded.settings.record.directory / "journal"
    shutil.rmtree(journal)
    journal.write_text("a file where the journal should be")

    told = recorded.run("audit", "search")

    assert told.code == 1
    assert told.out == ""


def test_csv_holds_no_formula(recorded: Place) -> None:
    told = recorded.run("audit", "search", "--kind", "vetting_change", "--csv")

    rows = list(csv.DictReader(io.StringIO(told.out)))
    assert "'=m.jones (command line)" in {row["person"] for row in rows}


def test_the_limit_holds(recorded: Place) -> None:
    recorded.run("vetting", "withdraw", "g7")
    recorded.sequence()
    every = recorded.run("audit", "search", "--json").json()

    rows = recorded.run("audit", "search", "--limit", "1", "--json").json()

    assert len(every) > 1
    assert rows == every[:1]


def test_a_range_of_time_leaves_out_what_lies_outside(recorded: Place) -> None:
    assert recorded.run("audit", "search", "--until", "2020-01-01", "--json").json() == []
    assert recorded.run("audit", "search", "--since", "2020-01-01", "--json").json() != []
    assert recorded.run("audit", "search", "--since", "yesterday").code == 2


def test_tail_shows_the_newest_last(recorded: Place) -> None:
    recorded.run("vetting", "withdraw", "g7")
    recorded.sequence()

    told = recorded.run("audit", "tail", "-n", "10").out

    assert 0 < told.index("vetting-suspended") < told.index("vetting-withdrawn")
    assert len(recorded.run("audit", "tail", "-n", "1").out.splitlines()) == 1


def test_verify_needs_only_the_files_and_a_public_key(
    recorded: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Anybody may verify: no settings, no keys of the service, another folder."""
    away = tmp_path / "away"
    shutil.copytree(log_of(recorded), away / "log")
    key = next(recorded.settings.keys.directory.glob("log-signing-*.pub.pem"))
    shutil.copy(key, away / "log.pub.pem")

    code = run(["audit", "verify", "--log", f"{away}/log", "--public-key", f"{away}/log.pub.pem"])

    assert code == 0, capsys.readouterr()
    assert "the log holds" in capsys.readouterr().out


def test_verify_finds_an_entry_that_was_changed(recorded: Place) -> None:
    assert recorded.run("audit", "verify").code == 0
    database = log_of(recorded) / "log.sqlite"
    content = bytearray(database.read_bytes())
    position = content.find(b"vetting-suspended")
    content[position : position + 17] = b"vetting-withdrawn"
    for beside in log_of(recorded).glob("log.sqlite-*"):
        beside.unlink()
    database.write_bytes(content)

    told = recorded.run("audit", "verify")

    assert told.code == 1
    assert "the log does NOT hold" in told.out


def test_verify_finds_a_log_that_lost_what_a_held_checkpoint_has(
    recorded: Place, tmp_path: Path
) -> None:
    early = tmp_path / "early"
    shutil.copytree(log_of(recorded), early)
    recorded.run("vetting", "withdraw", "g7", "--operator", "a.khan")
    recorded.sequence()
    held = tmp_path / "held"
    assert recorded.run("audit", "checkpoint", "--output", str(held)).code == 0
    assert recorded.run("audit", "verify", "--checkpoint", str(held)).code == 0

    shutil.rmtree(log_of(recorded))
    shutil.copytree(early, log_of(recorded))

    assert recorded.run("audit", "verify", "--checkpoint", str(held)).code == 1


def test_a_key_that_is_none_is_told_in_one_line(recorded: Place, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("hello")

    told = recorded.run("audit", "verify", "--public-key", str(path))

    assert told.code == 1
    assert "is no public key; name a .pub.pem file" in told.err


def test_a_log_that_was_never_sequenced_is_told_so(place: Place) -> None:
    told = place.run("audit", "checkpoint")

    assert told.code == 1
    assert "the sequencer has signed nothing yet" in told.err
