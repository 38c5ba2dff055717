"""`gateway keys`: made once, listed without secrets, rotated on the record."""

from __future__ import annotations

import stat
from pathlib import Path

from gateway.keys import KeyRing
from tests.gateway.cli.place import Place


def test_init_makes_a_ring_that_only_its_owner_can_read(place: Place) -> None:
    config = place.config.read_text().replace('directory = "keys"', 'directory = "new-keys"')
    place.config.write_text(config)

    told = place.run("keys", "init")

    directory = place.config.parent / "new-keys"
    assert told.code == 0
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert "log-signing-0001.pub.pem" in told.out
    assert KeyRing.open(directory).session_secret


def test_init_refuses_where_a_ring_is(place: Place) -> None:
    told = place.run("keys", "init")

    assert told.code == 1
    assert "already holds a key ring" in told.err


def test_init_adds_what_a_ring_of_an_earlier_version_lacks(place: Place) -> None:
    """The check says so first; what is there stays as it is."""
    secret = place.ring.session_secret
    (place.ring.directory / "second-factor-0001.key").unlink()
    checked = place.run("check", "--sample", "1")
    told = place.run("keys", "init")

    assert checked.code == 1
    assert "holds no `second-factor` key; run `gateway keys init`" in checked.out
    assert "added second-factor-0001.key to" in told.out
    assert KeyRing.open(place.ring.directory).session_secret == secret
    assert KeyRing.open(place.ring.directory).second_factor_keys


def test_list_shows_each_purpose_and_nothing_secret(place: Place) -> None:
    listed = place.run("keys", "list", "--json").json()

    purposes = {key["purpose"] for key in listed}
    assert {
        "session",
        "assertion",
        "log-signing",
        "index",
        "writer-mac",
        "second-factor",
    } <= purposes
    secret = place.ring.session_secret
    assert secret.hex() not in place.run("keys", "list").out


def test_a_key_open_to_others_is_refused_with_the_remedy(place: Place) -> None:
    key = next(Path(place.settings.keys.directory).glob("session-*.key"))
    key.chmod(0o644)

    told = place.run("keys", "list")

    assert told.code == 1
    assert f"run `chmod 600 {key}`" in told.err


def test_rotating_makes_a_new_current_key_and_is_recorded(place: Place) -> None:
    before = place.ring.assertion_keys.kid

    told = place.run("keys", "rotate", "assertion", "--operator", "m.jones")

    ring = KeyRing.open(place.settings.keys.directory)
    assert told.code == 0, told.err
    assert ring.assertion_keys.kid != before
    assert before in {key.kid for key in ring.assertion_keys.public}
    assert "reference " in told.out
    assert list((place.settings.record.directory / "journal").iterdir())


def test_nothing_is_rotated_that_cannot_be_recorded(place: Place) -> None:
    before = place.ring.assertion_keys.kid
    place.settings.record.directory.write_text("a file where the record should be")

    told = place.run("keys", "rotate", "assertion")

    assert told.code == 1
    assert KeyRing.open(place.settings.keys.directory).assertion_keys.kid == before


def test_an_unknown_purpose_is_a_usage_fault(place: Place) -> None:
    assert place.run("keys", "rotate", "everything").code == 2
