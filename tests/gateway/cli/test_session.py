"""`gateway session`: who is signed in, and signing people out."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from gateway.bulletin import Bulletin
from gateway.identity.directories.directory import DirectoryPerson
from gateway.identity.sessions.sessions import Sessions
from gateway.identity.staff import remember
from gateway.store.engine import writing
from tests.gateway.cli.place import Place


@pytest.fixture
def sign_in(place: Place):  # type: ignore[no-untyped-def]
    """Sign people in, and give what finds their session again."""
    bulletin = Bulletin(place.settings.gateway.state_directory)
    sessions = Sessions(place.store, bulletin)

    def signed_in(organisation: str, number: str) -> tuple[Sessions, str]:
        at = datetime.now(UTC)  # noqa: TID251 - a session that is alive now
        person = DirectoryPerson(
            directory_id=f"id-{number}",
            username=f"u{number}",
            name="A Person",
            employee_number=number,
            posts=frozenset({"firefighter"}),
            unit="",
            team=frozenset(),
            mail="",
        )
        with writing(place.store) as connection:
            staff = remember(connection, organisation, person, at)
            token, _ = sessions.open(
                connection,
                staff_id=staff.staff_id,
                organisation=organisation,
                directory=organisation,
                factors=frozenset({"password"}),
                at=at,
            )
        return sessions, token

    yield signed_in
    bulletin.close()


def alive(found: tuple[Sessions, str]) -> bool:
    sessions, token = found
    return sessions.find(token, at=datetime.now(UTC)) is not None  # noqa: TID251


def test_list_shows_who_is_signed_in_but_no_token(place: Place, sign_in) -> None:  # type: ignore[no-untyped-def]
    _, token = sign_in("cheshire-fire", "40011")
    sign_in("cheshire-police", "100")

    rows = place.run("session", "list", "--organisation", "cheshire-fire", "--json").json()

    assert [row["person"] for row in rows] == ["cheshire-fire/40011"]
    told = place.run("session", "list")
    assert "cheshire-police/100" in told.out
    assert token not in told.out
    assert "2 session(s)" in told.err


def test_ending_a_persons_sessions_leaves_the_others(place: Place, sign_in) -> None:  # type: ignore[no-untyped-def]
    one, other = sign_in("cheshire-fire", "40011"), sign_in("cheshire-fire", "40012")

    told = place.run(
        "session", "end", "--person", "cheshire-fire/40011", "--operator", "m.jones", "--yes"
    )

    assert told.out.startswith("ended 1 session(s); reference ")
    listed = place.run("session", "list", "--json").json()
    assert [row["person"] for row in listed] == ["cheshire-fire/40012"]
    assert not alive(one)
    assert alive(other)


def test_ending_an_organisations_sessions_leaves_the_others(place: Place, sign_in) -> None:  # type: ignore[no-untyped-def]
    fire, police = sign_in("cheshire-fire", "40011"), sign_in("cheshire-police", "100")

    place.run("session", "end", "--organisation", "cheshire-fire", "--yes")

    assert (alive(fire), alive(police)) == (False, True)


def test_ending_all_must_be_said(place: Place, sign_in) -> None:  # type: ignore[no-untyped-def]
    """A forgotten option must not sign out the whole service."""
    someone = sign_in("cheshire-fire", "40011")

    assert place.run("session", "end", "--yes").code == 2
    assert alive(someone)
    assert place.run("session", "end", "--all", "--yes").code == 0
    assert not alive(someone)


def test_ending_a_directorys_sessions_leaves_the_others(place: Place, sign_in) -> None:  # type: ignore[no-untyped-def]
    fire, police = sign_in("cheshire-fire", "40011"), sign_in("cheshire-police", "100")

    place.run("session", "end", "--directory", "cheshire-police", "--yes")

    assert (alive(fire), alive(police)) == (True, False)


@pytest.mark.parametrize(("answer", "lives"), [("", True), ("n\n", True), ("y\n", False)])
def test_ending_waits_for_a_yes(
    place: Place,
    sign_in: Callable[[str, str], tuple[Sessions, str]],
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    lives: bool,
) -> None:
    someone = sign_in("cheshire-fire", "40011")
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))

    told = place.run("session", "end", "--all")

    assert "End 1 session(s) of everyone?" in told.err
    assert ("nothing was ended" in told.err) is lives
    assert told.code == int(lives)
    assert alive(someone) is lives


def test_a_gateway_never_started_is_told_so(place: Place) -> None:
    place.store.dispose()
    (place.settings.gateway.state_directory / "gateway.sqlite").unlink()

    told = place.run("session", "list")

    assert told.code == 1
    assert "does not exist yet; start the service once" in told.err
