"""Break-glass accounts: two officers make one, another one signs off each use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from argon2.profiles import CHEAPEST
from sqlalchemy import insert, text

from gateway.errors import IdentityChanged
from gateway.identity.directories.directory import DirectoryPerson
from gateway.identity.signing_in.break_glass_accounts import (
    BreakGlassRefused,
    accounts,
    disable,
    find_account,
    person_of,
    review,
    uses,
)
from gateway.identity.staff import remember
from gateway.store.engine import reading, writing
from gateway.store.schema import microseconds
from gateway.store.schema_break_glass import break_glass_use
from tests.gateway.identity.envelopes import ACCOUNT, NUMBER, new_envelope
from tests.gateway.identity.parts import AT, FIRE, Parts, later


@pytest.fixture(autouse=True, scope="module")
def cheap_hashes() -> Iterator[None]:
    """What a hash costs is tested beside it; here it would only cost time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.identity.signing_in.password_hash.RFC_9106_LOW_MEMORY", CHEAPEST)
        yield


def use(parts: Parts, by: str = "helen.marsh") -> None:
    """Note a use."""
    with writing(parts.store) as connection:
        connection.execute(
            insert(break_glass_use).values(
                account=ACCOUNT,
                at_us=microseconds(AT),
                used_by=by,
                reason="directory away",
                source="10.0.0.1",
                reference="7H3K9QZ2MA",
                reviewed_by="",
                finding="",
            )
        )


def sign_off(parts: Parts, number: int = 1, *, by: str = "t.bell") -> None:
    with writing(parts.store) as connection:
        review(connection, number, by=by, finding="as agreed", at=later(hours=1))


def test_a_sealed_account_can_be_used_until_its_day(parts: Parts) -> None:
    envelope = new_envelope(parts.store)
    with reading(parts.store) as connection:
        (account,) = accounts(connection)

    assert (account.name, account.employee_number, account.uses_left) == (ACCOUNT, NUMBER, 2)
    assert account.sealed_by == "m.jones, t.bell"
    assert account.state(AT) == "sealed"
    assert account.state(AT + timedelta(days=180)) == "expired"
    assert replace(account, uses_left=0).state(AT) == "used up"
    assert len(envelope.password.replace("-", "")) == 24


def test_every_envelope_is_another(parts: Parts) -> None:
    first, second = new_envelope(parts.store), new_envelope(parts.store)

    assert first.password != second.password
    assert first.authenticator != second.authenticator


def test_no_secret_is_in_the_database(parts: Parts) -> None:
    envelope = new_envelope(parts.store)
    with reading(parts.store) as connection:
        kept = str(connection.execute(text("SELECT * FROM local_account")).all())

    assert envelope.password not in kept
    assert envelope.authenticator not in kept


@pytest.mark.parametrize("sealed_by", ["m.jones", " M.Jones"])
def test_one_officer_alone_makes_no_account(parts: Parts, sealed_by: str) -> None:
    with pytest.raises(BreakGlassRefused, match="somebody else must seal it"):
        new_envelope(parts.store, sealed_by=sealed_by)


@pytest.mark.parametrize(
    ("name", "number", "said"),
    [
        ("Night Duty", NUMBER, "is no name"),
        ("", NUMBER, "is no name"),
        (ACCOUNT, "B G", "is no employee number"),
        (ACCOUNT, "40011", "is somebody's number"),
    ],
)
def test_an_account_is_a_person_of_its_own(parts: Parts, name: str, number: str, said: str) -> None:
    parts.sign_in("alice", "40011")
    with pytest.raises(BreakGlassRefused, match=said):
        new_envelope(parts.store, name=name, number=number)


def test_the_number_of_an_account_does_not_change(parts: Parts) -> None:
    new_envelope(parts.store)
    with pytest.raises(BreakGlassRefused, match="does not change"):
        new_envelope(parts.store, number="BG-2")


@pytest.mark.parametrize("linked", [False, True])
def test_no_directory_brings_anybody_under_the_accounts_number(
    parts: Parts, *, linked: bool
) -> None:
    """Whoever can write into the host's directory would have the account's rights otherwise."""
    new_envelope(parts.store)
    impostor = DirectoryPerson(
        directory_id="id-mallory", username="mallory", name="Mallory", employee_number=NUMBER
    )
    with writing(parts.store) as connection, pytest.raises(IdentityChanged):
        remember(connection, FIRE, impostor, AT, directory="spare", linked=linked)


def test_an_account_says_nothing_of_itself_but_who_it_is(parts: Parts) -> None:
    """No post, no unit, no team: what it may do is in the register."""
    new_envelope(parts.store)
    with reading(parts.store) as connection:
        account = find_account(connection, ACCOUNT)

    assert account is not None
    person = person_of(account)
    assert (person.posts, person.unit, person.team) == (frozenset(), "", frozenset())


def test_a_use_waits_until_somebody_else_signs_it_off(parts: Parts) -> None:
    new_envelope(parts.store)
    use(parts, by="Helen.Marsh")
    with pytest.raises(BreakGlassRefused, match="somebody else must sign it off"):
        sign_off(parts, by=" helen.marsh ")
    sign_off(parts)
    with reading(parts.store) as connection:
        (signed,) = uses(connection)

    assert (signed.reviewed_by, signed.finding) == ("t.bell", "as agreed")
    assert signed.reviewed_at == later(hours=1)
    with pytest.raises(BreakGlassRefused, match="no use `1` waits"):
        sign_off(parts)


def test_what_waits_comes_first(parts: Parts) -> None:
    new_envelope(parts.store)
    for _ in range(3):
        use(parts)
    sign_off(parts, 3)
    with reading(parts.store) as connection:
        numbers = [each.number for each in uses(connection)]

    assert numbers[-1] == 3
    assert set(numbers[:2]) == {1, 2}


def test_an_account_is_not_sealed_again_before_its_uses_are_reviewed(parts: Parts) -> None:
    new_envelope(parts.store)
    use(parts)
    with pytest.raises(BreakGlassRefused, match="not reviewed yet"):
        new_envelope(parts.store)
    sign_off(parts)

    assert new_envelope(parts.store).password


def test_a_disabled_account_has_no_secrets_left(parts: Parts) -> None:
    new_envelope(parts.store)
    with writing(parts.store) as connection:
        disable(connection, ACCOUNT)
    with reading(parts.store) as connection:
        account = find_account(connection, ACCOUNT)
        row = connection.execute(text("SELECT * FROM local_account")).mappings().one()

    assert account is not None
    assert account.state(AT) == "disabled"
    assert (row["password_hash"], row["authenticator"], row["uses_left"]) == ("", "", 0)


def test_an_account_that_is_not_there_is_told_so(parts: Parts) -> None:
    with writing(parts.store) as connection, pytest.raises(BreakGlassRefused, match="there is no"):
        disable(connection, "gone")
