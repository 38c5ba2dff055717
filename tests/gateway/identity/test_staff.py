"""Who somebody is does not change with their name, and a number does not change hands unseen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, String

from gateway.errors import IdentityChanged
from gateway.identity.directories.directory import DirectoryPerson, EntryIncomplete
from gateway.identity.names import fold_name
from gateway.identity.staff import (
    MOST_NAME_CHARACTERS,
    Staff,
    find_staff,
    remember,
    staff_by_id,
    staff_by_person,
    staff_identified,
)
from gateway.store import schema
from gateway.store.engine import reading, writing
from tests.doubles.stores import new_store

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
FIRE = "cheshire-fire"
ALICE = DirectoryPerson(
    directory_id="5b1f-a",
    username="alice",
    name="Alice Ashe",
    employee_number="40011",
    posts=frozenset({"Watch manager"}),
    unit="Warrington",
    team=frozenset({"40012"}),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    with new_store(tmp_path) as engine:
        yield engine


def seen(store: Engine, person: DirectoryPerson, organisation: str = FIRE) -> Staff:
    with writing(store) as connection:
        return remember(connection, organisation, person, AT)


def seen_by(
    store: Engine,
    directory: str,
    person: DirectoryPerson,
    *,
    linked: bool = False,
    organisation: str = FIRE,
) -> Staff:
    with writing(store) as connection:
        return remember(connection, organisation, person, AT, directory=directory, linked=linked)


def found(store: Engine, text: str, organisation: str | None = None) -> list[str]:
    with reading(store) as connection:
        return [each.staff_id for each in find_staff(connection, text, organisation=organisation)]


def test_what_was_remembered_comes_back(store: Engine) -> None:
    remembered = seen(store, ALICE)
    with reading(store) as connection:
        by_id = staff_by_id(connection, "cheshire-fire/5b1f-a")
        by_person = staff_by_person(connection, "cheshire-fire/40011")

    assert by_id == by_person == remembered
    assert remembered.person == "cheshire-fire/40011"
    assert remembered.address == "alice@cheshire-fire"
    assert remembered.posts == {"Watch manager"}
    assert remembered.team == {"40012"}


def test_name_post_unit_and_team_follow_the_directory(store: Engine) -> None:
    seen(store, ALICE)
    moved = replace(
        ALICE,
        username="aashe",
        name="Alice Birch",
        posts=frozenset(),
        unit="Crewe",
        team=frozenset(),
    )
    seen(store, moved)
    with reading(store) as connection:
        now = staff_by_id(connection, "cheshire-fire/5b1f-a")

    assert now is not None
    assert (now.username, now.name, now.unit) == ("aashe", "Alice Birch", "Crewe")
    assert (now.posts, now.team) == (frozenset(), frozenset())


def test_a_number_under_another_id_is_refused(store: Engine) -> None:
    """The account was deleted and made again, or somebody else got the number."""
    seen(store, ALICE)
    with pytest.raises(IdentityChanged, match="5b1f-a"):
        seen(store, replace(ALICE, directory_id="9c2e-b"))


def test_an_id_with_another_number_is_refused(store: Engine) -> None:
    """Whoever can write one attribute of an entry must not become another employee."""
    seen(store, ALICE)
    with pytest.raises(IdentityChanged):
        seen(store, replace(ALICE, employee_number="40012"))


def test_swapping_two_numbers_is_refused(store: Engine) -> None:
    seen(store, ALICE)
    seen(store, replace(ALICE, directory_id="9c2e-b", employee_number="40012", username="bob"))
    with pytest.raises(IdentityChanged):
        seen(store, replace(ALICE, employee_number="40012"))


def test_a_refused_identity_leaves_what_was_known(store: Engine) -> None:
    before = seen(store, ALICE)
    with pytest.raises(IdentityChanged):
        seen(store, replace(ALICE, directory_id="9c2e-b", name="Mallory"))
    with reading(store) as connection:
        after = staff_by_person(connection, "cheshire-fire/40011")

    assert after == before


def test_the_same_id_and_number_elsewhere_is_somebody_else(store: Engine) -> None:
    seen(store, ALICE)
    seen(store, ALICE, "nwas")

    assert found(store, "40011") == ["cheshire-fire/5b1f-a", "nwas/5b1f-a"]


@pytest.mark.parametrize(
    "number",
    ["", " ", "40011 ", "4/0", "a" * 33, "40011\n", "-1", "\uff14", "4@0"],
)
def test_a_number_of_unknown_form_is_refused(store: Engine, number: str) -> None:
    """It is part of longer names, such as `cheshire-fire/40011`."""
    with pytest.raises(EntryIncomplete):
        seen(store, replace(ALICE, employee_number=number))


@pytest.mark.parametrize("directory_id", ["", "a/b", "a b", "x" * 101])
def test_an_id_of_unknown_form_is_refused(store: Engine, directory_id: str) -> None:
    with pytest.raises(EntryIncomplete):
        seen(store, replace(ALICE, directory_id=directory_id))


def test_a_name_is_refused_that_is_longer_folded_than_the_store_keeps(store: Engine) -> None:
    """SQLite would keep it, PostgreSQL would fail; one letter may become eighteen."""
    letters, rest = divmod(MOST_NAME_CHARACTERS, len(fold_name("\ufdfa")))
    longest = "\ufdfa" * letters + "x" * rest
    kept = seen(store, replace(ALICE, username=longest))
    with pytest.raises(EntryIncomplete, match="257 characters once it is folded, more than 256"):
        seen(store, replace(ALICE, username=longest + "x"))

    assert len(fold_name(longest)) == MOST_NAME_CHARACTERS == column_length("username_key")
    assert len(longest) < 30
    assert found(store, longest) == [kept.staff_id]


def column_length(name: str) -> int | None:
    kind = schema.staff.c[name].type
    assert isinstance(kind, String)
    return kind.length


def test_an_incomplete_team_is_no_team(store: Engine) -> None:
    assert seen(store, replace(ALICE, team_complete=False)).team == frozenset()


@pytest.mark.parametrize(
    "text",
    [
        "alice",
        " ALICE ",
        "alice@cheshire-fire",
        "Alice@Cheshire-Fire",
        "40011",
        "cheshire-fire/40011",
        "cheshire-fire/5b1f-a",
    ],
)
def test_staff_are_found_as_people_write_them(store: Engine, text: str) -> None:
    seen(store, ALICE)
    seen(store, replace(ALICE, directory_id="9c2e-b", employee_number="40012", username="bob"))

    assert found(store, text) == ["cheshire-fire/5b1f-a"]


def test_a_name_of_two_organisations_needs_the_organisation(store: Engine) -> None:
    seen(store, ALICE)
    seen(store, replace(ALICE, employee_number="7001"), "nwas")

    assert found(store, "alice") == ["cheshire-fire/5b1f-a", "nwas/5b1f-a"]
    assert found(store, "alice", "nwas") == ["nwas/5b1f-a"]
    assert found(store, "alice@nwas") == ["nwas/5b1f-a"]
    assert found(store, "nwas/40011") == []


@pytest.mark.parametrize("text", ["", "%", "alic%", "_lice", "'", "alice' OR 1=1 --", "@", "/"])
def test_nothing_else_is_found(store: Engine, text: str) -> None:
    seen(store, ALICE)

    assert found(store, text) == []


def test_staff_seen_again_keep_when_they_were_first_seen(store: Engine) -> None:
    seen(store, ALICE)
    with writing(store) as connection:
        remember(connection, FIRE, ALICE, AT + timedelta(days=1))
        first, last = connection.exec_driver_sql(
            "SELECT first_seen_at_us, seen_at_us FROM staff"
        ).one()

    assert last - first == 86_400_000_000


AT_PROVIDER = replace(ALICE, directory_id="oidc-77aa", username="alice.ashe@fire.example")


class TestSeveralDirectories:
    """One organisation whose people are in two directories."""

    def test_a_person_in_two_directories_that_are_said_to_hold_the_same_people_is_one(
        self, store: Engine
    ) -> None:
        first = seen(store, ALICE)
        second = seen_by(store, "fire-provider", AT_PROVIDER, linked=True)
        third = seen_by(store, "fire-provider", AT_PROVIDER)

        assert first.staff_id == second.staff_id == third.staff_id
        assert second.username == "alice.ashe@fire.example"
        with reading(store) as connection:
            known = {
                directory: staff_identified(connection, FIRE, directory, directory_id)
                for directory, directory_id in ((FIRE, "5b1f-a"), ("fire-provider", "oidc-77aa"))
            }
        assert set(known.values()) == {first.staff_id}

    def test_without_being_told_so_the_number_leads_nowhere(self, store: Engine) -> None:
        """Whoever runs a second directory must not become anybody by writing their number."""
        seen(store, ALICE)
        with pytest.raises(IdentityChanged):
            seen_by(store, "fire-provider", AT_PROVIDER)

    def test_an_account_made_again_in_a_linked_directory_is_refused(self, store: Engine) -> None:
        seen(store, ALICE)
        seen_by(store, "fire-provider", AT_PROVIDER, linked=True)
        with pytest.raises(IdentityChanged):
            seen_by(
                store, "fire-provider", replace(AT_PROVIDER, directory_id="oidc-88"), linked=True
            )

    def test_a_linked_directory_cannot_move_its_id_to_another_number(self, store: Engine) -> None:
        seen(store, ALICE)
        seen(store, replace(ALICE, directory_id="9c2e-b", employee_number="40012"))
        seen_by(store, "fire-provider", AT_PROVIDER, linked=True)
        with pytest.raises(IdentityChanged):
            seen_by(
                store, "fire-provider", replace(AT_PROVIDER, employee_number="40012"), linked=True
            )

    def test_an_id_that_another_directory_gave_is_not_taken_over(self, store: Engine) -> None:
        """ASVS 6.8.1: an id means something together with who gave it, and only so."""
        seen(store, ALICE)
        for number in ("40011", "40099"):
            with pytest.raises(IdentityChanged):
                seen_by(store, "fire-provider", replace(ALICE, employee_number=number))

    def test_no_link_leads_to_another_organisation(self, store: Engine) -> None:
        seen(store, ALICE)
        other = seen_by(store, "nwas", AT_PROVIDER, linked=True, organisation="nwas")

        assert other.staff_id == "nwas/oidc-77aa"
