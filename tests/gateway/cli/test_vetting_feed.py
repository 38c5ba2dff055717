"""`gateway vetting import`: all or nothing, from a proved source, no more than was agreed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jsonschema_rs import Draft202012Validator

from gateway.cli.vetting_feed import feed_schema
from gateway.openapi.document import openapi_document
from gateway.store.engine import reading
from tests.gateway.cli.place import AT, Place, Told
from tests.structure.tree import read
from tests.vetting.exports import row, to_csv, to_json
from vetting.feed_schema import schema_of_export
from vetting.person import PersonKey

FEED = """
[[vetting.feed]]
id = "unit"
title = "Force Vetting Unit"
granting_bodies = ["cheshire-police"]
public_key_file = "unit.pub.pem"
"""
LATER = "2026-11-21T06:00:00+00:00"
Import = Callable[..., Told]


@pytest.fixture
def unit(place: Place) -> Import:
    """Import an export, signed unless told otherwise."""
    key = Ed25519PrivateKey.generate()
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    folder = place.config.parent
    (folder / "unit.pub.pem").write_bytes(pem)
    text = place.config.read_text()
    place.config.write_text(text.replace("[[organisation]]", FEED + "\n[[organisation]]", 1))

    def run(text: str, *words: str, signed: bool = True, by: str = "m.jones") -> Told:
        file = folder / "export"
        file.write_text(text)
        sign = folder / "export.sig"
        sign.unlink(missing_ok=True)
        if signed:
            sign.write_bytes(key.sign(file.read_bytes()))
        return place.run("vetting", "import", str(file), *words, "--operator", by)

    return run


def digest(text: str) -> tuple[str, str]:
    return "--digest", hashlib.sha256(text.encode()).hexdigest()


def counting(place: Place) -> set[str]:
    """Who reaches anything now, by the last digits of their number."""
    with reading(place.store) as connection:
        people = place.register.people(connection, limit=500)
        return {
            person.person.employee_number[-1]
            for person in people
            if any(held.usable for held in person.clearance.described(at=AT))
        }


def test_a_signed_export_is_taken_over_at_once(place: Place, unit: Import) -> None:
    told = unit(to_csv(row(1), row(2)), "--json")

    assert told.code == 0, told.err
    report = told.json()
    assert (report["new"], report["made"], report["source"]) == (2, 2, "signed")
    assert counting(place) == {"1", "2"}
    with reading(place.store) as connection:
        key = PersonKey.from_text("cheshire-fire/40001")
        (change,) = place.register.history(connection, key)
    assert change.by.startswith("feed unit, export ")
    assert change.by.endswith(", m.jones")


def test_what_is_told_as_json_is_what_the_openapi_document_says(unit: Import) -> None:
    """`gateway.api.feed_push` sends it on to the unit, with the visit."""
    document = openapi_document()
    answers = document["paths"]["/-/api/vetting/feed/{feed}"]["post"]["responses"]

    def fits(status: str, told: dict[str, Any]) -> bool:
        schema = answers[status]["content"]["application/json"]["schema"]
        told = {**told, "visit": "7H3K9QZ2MA"}
        return Draft202012Validator({**schema, **document}).is_valid(told)

    export = to_csv(row(1), row(2))
    again = to_csv(row(1), row(2, level="N9"), at=LATER)
    assert fits("200", unit(export, "--json", "--dry-run").json())
    assert fits("200", unit(export, "--json").json())
    assert fits("200", unit(export, "--json").json())
    assert fits("422", {"refused": True, **unit(again, "--json").json()})
    by_hand = to_csv(row(1), row(2), row(3), at=LATER)
    assert fits("200", unit(by_hand, *digest(by_hand), "--json", signed=False).json())
    assert not fits("200", {"feed": "unit"})


def test_json_says_the_same(place: Place, unit: Import) -> None:
    assert unit(to_json(row(1), row(2))).code == 0
    assert counting(place) == {"1", "2"}


def test_a_dry_run_reports_and_changes_nothing(place: Place, unit: Import) -> None:
    told = unit(to_csv(row(1), row(2)), "--dry-run")

    assert told.code == 0, told.err
    assert "new: 2" in told.out
    assert "nothing was changed" in told.out
    assert counting(place) == set()
    assert not place.settings.record.directory.exists()
    assert unit(to_csv(row(1), row(2))).code == 0  # nor was it noted as imported


def test_one_fault_and_nothing_is_taken_over(place: Place, unit: Import) -> None:
    told = unit(to_csv(row(1), row(2, level="N9"), row(3, status="x")))

    assert told.code == 1
    assert "line 4: " in told.err
    assert "line 5: " in told.err
    assert "2 fault(s); nothing was changed" in told.err
    as_json = unit(to_csv(row(1), row(2, level="N9")), "--json").json()
    assert (as_json["count"], as_json["faults"][0]["line"]) == (1, 4)
    assert counting(place) == set()


def test_without_a_proof_nothing_is_taken_over(place: Place, unit: Import) -> None:
    text = to_csv(row(1))
    forged = Ed25519PrivateKey.generate().sign(text.encode())

    assert "there is no signature" in unit(text, signed=False).err
    assert "is not the one you mean" in unit(text, "--digest", "0" * 64, signed=False).err
    other = place.config.parent / "other.sig"
    other.write_bytes(forged)
    words = ("--signature", str(other), *digest(text))
    assert "is no signature of this file" in unit(text, *words).err
    assert counting(place) == set()


def test_with_a_digest_alone_what_loosens_waits_and_what_tightens_does_not(
    place: Place, unit: Import
) -> None:
    assert unit(to_csv(row(1), row(2))).code == 0
    text = to_csv(row(1, status="suspended"), row(2), row(3), at=LATER)

    told = unit(text, *digest(text), "--json", signed=False)

    assert told.code == 0, told.err
    report = told.json()
    assert (report["made"], report["proposed"]) == (1, 1)
    assert counting(place) == {"2"}
    identifier = report["a_second_officer_runs"].split()[-1]
    assert "1 change(s) of an export" in place.run("vetting", "proposals").out
    assert place.run("vetting", "approve", identifier, "--operator", "m.jones").code == 1
    approved = place.run("vetting", "approve", identifier, "--operator", "a.khan")
    assert approved.code == 0, approved.err
    assert counting(place) == {"2", "3"}


def test_what_waits_of_an_export_goes_when_a_newer_one_comes(place: Place, unit: Import) -> None:
    """The newer one says that the grant still is suspended: nothing of it has changed."""
    assert unit(to_csv(row(1, status="suspended"))).code == 0
    text = to_csv(row(1), at=LATER)
    report = unit(text, *digest(text), "--json", signed=False).json()
    newer = to_csv(row(1, status="suspended"), at="2026-11-21T07:00:00+00:00")
    assert unit(newer).code == 0

    identifier = report["a_second_officer_runs"].split()[-1]
    approved = place.run("vetting", "approve", identifier, "--operator", "a.khan")

    assert (approved.code, "has been imported since" in approved.err) == (1, True)
    assert counting(place) == set()


def test_a_signed_export_does_not_undo_a_suspension(place: Place, unit: Import) -> None:
    assert unit(to_csv(row(1), row(2))).code == 0
    assert place.run("vetting", "suspend", "unit/V1", "--operator", "m.jones").code == 0

    report = unit(to_csv(row(1), row(2), at=LATER), "--json").json()

    assert (report["made"], report["proposed"]) == (0, 1)
    assert counting(place) == {"2"}


def test_an_export_is_imported_once_and_no_older_one_after_it(place: Place, unit: Import) -> None:
    """A signed export kept back would give back what has been taken away since."""
    old, new = to_csv(row(1)), to_csv(row(1, status="withdrawn"), at=LATER)
    assert unit(new).code == 0
    assert "only a newer one can be" in unit(old).err
    again = unit(new, "--json")
    assert (again.code, again.json()["already_imported"]) == (0, True)
    with reading(place.store) as connection:
        key = PersonKey.from_text("cheshire-fire/40001")
        assert len(place.register.history(connection, key)) == 1
    assert "in the future" in unit(to_csv(row(1), at="2999-01-01T00:00:00Z")).err
    assert counting(place) == set()


def test_a_suspicious_drop_needs_a_word(place: Place, unit: Import) -> None:
    assert unit(to_csv(*(row(number) for number in range(10)))).code == 0
    fewer = to_csv(*(row(number) for number in range(8)), at=LATER)

    told = unit(fewer)
    assert "2 of 10 grants (20.0 %) are missing, more than 5 %" in told.err
    assert len(counting(place)) == 10
    assert unit(fewer, "--confirm-drop").code == 0
    assert len(counting(place)) == 8


def test_the_published_schema_is_that_of_the_reader() -> None:
    published = json.loads(read("deploy/vetting-feed.schema.json"))

    assert published == schema_of_export()
    assert json.loads(CliRunner().invoke(feed_schema).output) == published
    required: Any = published["properties"]["grants"]["items"]["required"]
    assert set(required) == set(row()) - {"expires_on"}


def test_without_a_feed_in_the_settings_there_is_none(place: Place) -> None:
    told = place.run("vetting", "import", str(place.config))

    assert "list no feed" in told.err
