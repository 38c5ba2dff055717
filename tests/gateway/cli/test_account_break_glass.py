"""`gateway account create|seal|list|disable|review`: two officers, one envelope, one review."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from argon2.profiles import CHEAPEST
from sqlalchemy import insert

from gateway.identity.signing_in.password_hash import PasswordCheck
from gateway.store.engine import reading, writing
from gateway.store.schema_break_glass import break_glass_use, local_account
from tests.gateway.cli.place import Place, Told


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a hash costs is tested beside it; here it would only cost time."""
    monkeypatch.setattr("gateway.identity.signing_in.password_hash.RFC_9106_LOW_MEMORY", CHEAPEST)


@pytest.fixture
def check() -> Iterator[PasswordCheck]:
    made = PasswordCheck()
    yield made
    made.close()


def create(place: Place, by: str = "m.jones", number: str = "BG-1") -> Told:
    words = ("account", "create", "night-duty", "--number", number, "--operator", by)
    return place.run(*words)


def seal(place: Place, by: str = "t.bell") -> Told:
    return place.run("account", "seal", "night-duty", "--days", "30", "--operator", by)


def use(place: Place) -> None:
    with writing(place.store) as connection:
        connection.execute(
            insert(break_glass_use).values(
                account="night-duty",
                at_us=1,
                used_by="helen.marsh",
                reason="directory away",
                source="10.0.0.1",
                reference="7H3K9QZ2MA",
                reviewed_by="",
                finding="",
            )
        )


def test_two_officers_make_an_envelope_that_is_told_once(
    place: Place, check: PasswordCheck
) -> None:
    proposed, sealed = create(place), seal(place)
    password = re.search(r"Password +(\S+)", sealed.out)
    with reading(place.store) as connection:
        kept = connection.execute(local_account.select()).one()

    assert proposed.out.startswith("proposed; reference ")
    assert password
    assert check.is_right(kept.password_hash, password[1])
    assert "otpauth://totp/" in sealed.out
    assert "http://localhost:8080/-/break-glass" in sealed.out
    (listed,) = place.run("account", "list", "--json").json()
    assert (listed["state"], listed["uses_left"]) == ("sealed", 1)
    assert listed["person"] == "cheshire-police/BG-1"
    assert listed["sealed_by"] == "m.jones, t.bell"
    assert password[1] not in place.run("account", "list").out


def test_the_secrets_are_in_no_entry_of_the_record(place: Place) -> None:
    create(place)
    sealed = seal(place)
    password = re.search(r"Password +(\S+)", sealed.out)
    written = b"".join(
        path.read_bytes() for path in place.settings.record.directory.rglob("*") if path.is_file()
    )

    assert password
    assert b"break-glass-sealed" in written
    assert password[1].encode() not in written


def test_one_officer_alone_makes_none(place: Place) -> None:
    create(place)
    told = seal(place, by="M.Jones")

    assert told.code == 1
    assert "somebody else must seal it" in told.err
    assert "Password" not in told.out


def test_nothing_is_sealed_that_nobody_proposed(place: Place) -> None:
    told = seal(place)

    assert told.code == 1
    assert "nobody has proposed" in told.err


def test_a_disabled_account_is_told_as_such(place: Place) -> None:
    create(place)
    seal(place)
    told = place.run("account", "disable", "night-duty", "--operator", "t.bell")

    assert told.out.startswith("disabled, 0 session(s) ended; reference ")
    assert place.run("account", "list", "--json").json()[0]["state"] == "disabled"


def test_a_use_is_signed_off_by_somebody_else(place: Place) -> None:
    create(place)
    seal(place)
    use(place)
    waiting = place.run("account", "review")
    own = place.run("account", "review", "1", "--finding", "fine", "--operator", "Helen.Marsh")
    silent = place.run("account", "review", "1", "--operator", "t.bell")
    signed = place.run("account", "review", "1", "--finding", "as agreed", "--operator", "t.bell")

    assert "helen.marsh" in waiting.out
    assert waiting.err == "1 use(s) to review\n"
    assert (own.code, silent.code) == (1, 1)
    assert "somebody else must sign it off" in own.err
    assert "say what you found" in silent.err
    assert signed.out.startswith("signed off the use of `night-duty`; reference ")
    assert place.run("account", "review").err == "0 use(s) to review\n"


def test_what_ended_is_told(place: Place) -> None:
    create(place)
    seal(place)
    with writing(place.store) as connection:
        past = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
        connection.execute(local_account.update().values(expires_at_us=past))

    assert place.run("account", "list", "--json").json()[0]["state"] == "expired"
