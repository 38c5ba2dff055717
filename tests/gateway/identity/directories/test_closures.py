"""Who was seen closed at one server is not let in by another that is behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from gateway.identity.directories.closures import LAG_SECONDS, MAX_REMEMBERED, Closures
from gateway.identity.directories.directory import AccountClosed, AccountState, PersonGone
from gateway.identity.directories.directory_channel import Server
from gateway.identity.directories.ldap_directory import LdapDirectory
from tests.doubles.slapd import PASSWORD, Slapd, person
from tests.gateway.identity.conftest import settings_for

PRIMARY, REPLICA = (Server.from_uri(f"ldaps://{each}.example") for each in ("one", "two"))
ID = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def closures() -> Closures:
    made = Closures((PRIMARY, REPLICA))
    made.note(ID, PRIMARY, AccountState.DISABLED, now=0.0)
    return made


def test_a_closed_account_stands_closed_at_every_other_server(closures: Closures) -> None:
    for _ in range(2):
        assert closures.standing(ID, REPLICA, now=1.0) is AccountState.DISABLED
    assert closures.standing("somebody else", REPLICA, now=1.0) is None


def test_the_server_that_closed_it_may_open_it_for_all(closures: Closures) -> None:
    assert closures.standing(ID, PRIMARY, now=1.0) is None
    assert closures.standing(ID, REPLICA, now=2.0) is None


def test_a_server_before_it_is_believed_over_one_that_may_be_behind() -> None:
    """A replica knows nothing yet of who has just been made, or opened again."""
    closures = Closures((PRIMARY, REPLICA))
    closures.note(ID, REPLICA, AccountState.DISABLED, now=0.0)

    assert closures.standing(ID, PRIMARY, now=1.0) is None


def test_it_is_forgotten_when_every_replica_must_have_heard(closures: Closures) -> None:
    assert closures.standing(ID, REPLICA, now=LAG_SECONDS - 1) is AccountState.DISABLED
    assert closures.standing(ID, REPLICA, now=LAG_SECONDS) is None


@pytest.mark.parametrize("state", [AccountState.LOCKED, AccountState.MUST_CHANGE_PASSWORD])
def test_what_is_each_servers_own_business_is_not_remembered(state: AccountState) -> None:
    closures = Closures((PRIMARY, REPLICA))
    closures.note(ID, PRIMARY, state, now=0.0)
    closures.note("", PRIMARY, AccountState.DISABLED, now=0.0)

    assert closures.standing(ID, REPLICA, now=1.0) is None
    assert closures.standing("", REPLICA, now=1.0) is None


def test_it_does_not_grow_without_end() -> None:
    closures = Closures((PRIMARY, REPLICA))
    closures._seen = {str(each): closures_of(each) for each in range(MAX_REMEMBERED)}
    closures.note(ID, PRIMARY, AccountState.DISABLED, now=0.0)

    assert len(closures._seen) == MAX_REMEMBERED
    assert closures.standing(ID, REPLICA, now=1.0) is AccountState.DISABLED


def closures_of(_: int) -> Any:
    noted = Closures((PRIMARY, REPLICA))
    noted.note(ID, PRIMARY, AccountState.DISABLED, now=0.0)
    return noted._seen[ID]


@pytest.mark.directory
class TestServers:
    """Row 5 of the fault matrix: a replica that has not heard of it."""

    @pytest.fixture
    def replica(self, tmp_path: Path, authority: trustme.CA) -> Iterator[Slapd]:
        people = person("alice", "40011", entryUUID=ID)
        with Slapd(tmp_path / "replica", authority, people=people) as server:
            yield server

    @pytest.mark.parametrize("gone", [False, True])
    def test_a_lagging_replica_does_not_let_in_whom_the_primary_has_closed(
        self, tmp_path: Path, authority: trustme.CA, replica: Slapd, *, gone: bool
    ) -> None:
        closed = person("alice", "40011", entryUUID=ID, pwdAccountLockedTime="000001010000Z")
        policy = {"extra": "moduleload ppolicy", "overlays": "overlay ppolicy"}
        primary = Slapd(
            tmp_path / "primary",
            authority,
            people="" if gone else closed,
            **policy,  # type: ignore[arg-type]  # passed on
        )
        with primary:
            uris = (primary.ldaps_uri, replica.ldaps_uri)
            directory = LdapDirectory(settings_for(primary, *uris))
            with pytest.raises((AccountClosed, PersonGone)):
                directory.look_up(ID, 5.0)
        fresh = LdapDirectory(settings_for(replica))

        assert fresh.authenticate("alice", PASSWORD, 5.0).directory_id == ID
        with pytest.raises(AccountClosed) as refused:
            directory.authenticate("alice", PASSWORD, 5.0)
        assert (refused.value.state, refused.value.known_password) == (AccountState.DISABLED, True)
        with pytest.raises(AccountClosed) as seen:
            directory.look_up(ID, 5.0)
        assert seen.value.known_password is False
