"""`gateway vetting lapses`, `calendar` and `remind`."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.cli.opening import current_instant
from gateway.identity.directories.directory import DirectoryPerson
from gateway.identity.staff import remember
from gateway.store.engine import writing
from tests.doubles.mail_server import mail_server
from tests.gateway.cli.place import AT, Place
from vetting.days import day_of

FIRE = "cheshire-fire/40011"


@pytest.fixture
def soon(place: Place) -> Place:
    """Somebody whose NPPV ends in 20 days, and who has signed in."""
    today = day_of(current_instant())
    place.hold(FIRE, "N2F", grant="g1", expires_on=today + timedelta(days=20))
    place.hold("cheshire-fire/40012", "N2F", grant="g2", expires_on=today + timedelta(days=200))
    person = DirectoryPerson(
        directory_id="id-alice",
        username="alice",
        name="Alice",
        employee_number="40011",
        mail="alice@fire.example",
    )
    with writing(place.store) as connection:
        remember(connection, "cheshire-fire", person, AT)
    return place


def test_what_lapses_is_listed(soon: Place) -> None:
    rows = soon.run("vetting", "lapses", "--json").json()

    assert [(row["grant"], row["days"], row["by"]) for row in rows] == [("g1", 20, "end date")]
    assert "is no number of days" in soon.run("vetting", "lapses", "--within", "1y").err
    assert "g2" in soon.run("vetting", "lapses", "--within", "365d").out
    told = soon.run("vetting", "lapses", "--csv")
    assert [row["person"] for row in csv.DictReader(io.StringIO(told.out))] == [FIRE]
    none = soon.run("vetting", "lapses", "--organisation", "cheshire-police")
    assert "nothing lapses" in none.out
    assert "BEGIN:VEVENT" in soon.run("vetting", "calendar").out


def test_person_and_sponsor_are_told_once(soon: Place, tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        mail = (
            f'[mail]\nhost = "127.0.0.1"\nport = {server.port}\nca_file = "{server.ca_file}"\n'
            'sender = "no-reply@gate.example"\n\n'
        )
        text = soon.config.read_text().replace("[[organisation]]", mail + "[[organisation]]", 1)
        fire = 'kind = "fire"\n'
        text = text.replace(fire, f'{fire}vetting_mail = "vetting@fire.example"\n')
        soon.config.write_text(text)

        dry = soon.run("vetting", "remind", "--dry-run")
        assert dry.out == "due: 2 reminder(s) in 2 mail(s)\n", dry.err
        assert server.kept == []
        server.refuse.add("vetting@fire.example")
        refused = soon.run("vetting", "remind")
        assert refused.out == "sent: 1 reminder(s) in 1 mail(s)\n"
        assert "refused the address of 1 mail" in refused.err
        server.refuse.clear()
        assert soon.run("vetting", "remind").out == "sent: 1 reminder(s) in 1 mail(s)\n"
        assert soon.run("vetting", "remind").out == "sent: 0 reminder(s) in 0 mail(s)\n"

    assert [each["To"] for each in server.kept] == ["alice@fire.example", "vetting@fire.example"]


def test_without_a_mail_server_nothing_is_noted_as_sent(soon: Place) -> None:
    told = soon.run("vetting", "remind")

    assert told.code == 1
    assert "have no `[mail]`" in told.err
    assert soon.run("vetting", "remind", "--dry-run").out.startswith("due: 1 ")
