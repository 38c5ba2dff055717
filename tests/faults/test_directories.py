"""Directories that are away, silent, slow, lagging or lying: rows 1 to 9 of the fault matrix.

The quick ones are beside what they test (`tests/gateway/identity`); here are those that take time.
"""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from gateway.errors import DirectoryMisconfigured, DirectoryUnavailable, GatewayError
from gateway.identity.directories.bulkhead import Bulkhead
from gateway.identity.directories.directory import AccountClosed, DirectoryPerson, PersonGone
from gateway.identity.directories.failover import AVOID_SECONDS
from gateway.identity.directories.ldap_dialect import Groups
from gateway.identity.directories.ldap_directory import LdapDirectory
from tests.doubles.samba import PASSWORD, STAFF, Samba
from tests.doubles.slapd import PASSWORD as FIRE_PASSWORD
from tests.doubles.slapd import PEOPLE, SUFFIX, Slapd, person
from tests.gateway.identity.conftest import domain_settings, settings_for

pytestmark = pytest.mark.directory

BUDGET = 3.0


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def domain(tmp_path: Path, authority: trustme.CA) -> Iterator[Samba]:
    """A domain that a test may stop or silence."""
    if os.geteuid() != 0:
        pytest.skip("a domain controller takes ports below 1024: only root can start one")
    with Samba(tmp_path / "domain", authority) as running:
        running.add_person("alice", employeeID="1")
        yield running


def fire(folder: Path, authority: trustme.CA, name: str = "fire", **changed: str) -> Slapd:
    return Slapd(folder / name, authority, people=person("alice", "40011"), **changed)  # type: ignore[arg-type]  # passed on


def seconds_of(call: Callable[[], object]) -> tuple[float, object]:
    started = time.monotonic()
    try:
        given = call()
    except GatewayError as error:
        given = error
    return time.monotonic() - started, given


def test_fifty_sign_ins_at_a_silent_domain_delay_nobody_elsewhere(
    domain: Samba, tmp_path: Path, authority: trustme.CA
) -> None:
    """Row 2: the fire service signs in as fast while the police's domain says nothing."""
    with fire(tmp_path, authority) as server:
        ours = LdapDirectory(settings_for(server))
        theirs = LdapDirectory(domain_settings(domain))
        bulkheads = {"fire": Bulkhead("fire", at_once=4), "police": Bulkhead("police", at_once=4)}

        def sign_in() -> object:
            return bulkheads["fire"].run(
                lambda: ours.authenticate("alice", FIRE_PASSWORD, BUDGET), timeout_seconds=BUDGET
            )

        def hang() -> object:
            return bulkheads["police"].run(
                lambda: theirs.authenticate("alice", PASSWORD, BUDGET),
                timeout_seconds=BUDGET + 0.5,
            )

        quiet = [seconds_of(sign_in) for _ in range(30)]
        domain.pause()
        outcomes: list[tuple[float, object]] = []
        crowd = [
            threading.Thread(target=lambda: outcomes.append(seconds_of(hang))) for _ in range(50)
        ]
        for thread in crowd:
            thread.start()
        busy = [seconds_of(sign_in) for _ in range(30)]
        for thread in crowd:
            thread.join()

        assert all(isinstance(given, DirectoryPerson) for _, given in quiet + busy)
        assert all(isinstance(given, DirectoryUnavailable) for _, given in outcomes)
        assert max(seconds for seconds, _ in outcomes) < BUDGET + 1
        usual = statistics.median(seconds for seconds, _ in quiet)
        assert statistics.median(seconds for seconds, _ in busy) < 3 * usual + 0.05
        domain.resume()
        assert theirs.authenticate("alice", PASSWORD, 10.0).username == "alice"


def test_a_domain_that_was_stopped_is_back_without_a_restart_of_ours(domain: Samba) -> None:
    """Row 1."""
    directory = LdapDirectory(domain_settings(domain))
    known = directory.authenticate("alice", PASSWORD, BUDGET)
    domain.stop()
    took, refused = seconds_of(lambda: directory.look_up(known.directory_id, BUDGET))

    assert isinstance(refused, DirectoryUnavailable)
    assert not isinstance(refused, AccountClosed | PersonGone)
    assert took < 1
    domain.start()
    assert directory.look_up(known.directory_id, BUDGET) == known


@pytest.mark.parametrize("how", ["stop", "pause"])
def test_a_replica_takes_over_within_the_budget_and_the_primary_is_asked_again_later(
    tmp_path: Path, authority: trustme.CA, how: str
) -> None:
    """Row 5: one retry at the next server, no flapping back and forth."""
    now = [time.monotonic()]

    def monotonic() -> float:
        return time.monotonic() + now[0]

    now[0] = 0.0
    with fire(tmp_path, authority, "one") as primary, fire(tmp_path, authority, "two") as replica:
        uris = (primary.ldaps_uri, replica.ldaps_uri)
        directory = LdapDirectory(settings_for(primary, *uris), monotonic=monotonic)
        directory.authenticate("alice", FIRE_PASSWORD, BUDGET)
        getattr(primary, how)()
        took, given = seconds_of(lambda: directory.authenticate("alice", FIRE_PASSWORD, BUDGET))

        assert isinstance(given, DirectoryPerson)
        assert took < BUDGET
        primary.start() if how == "stop" else primary.resume()
        asked = primary.log_length()
        for _ in range(3):
            directory.authenticate("alice", FIRE_PASSWORD, BUDGET)
        assert not primary.binds(asked)
        now[0] = AVOID_SECONDS + 1
        directory.authenticate("alice", FIRE_PASSWORD, BUDGET)
        assert primary.binds(asked)


@contextlib.contextmanager
def trickling(port: int, *, every_seconds: float) -> Iterator[int]:
    """Stand before a server and pass its real bytes on one by one; gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def pass_on(source: socket.socket, target: socket.socket, rest: float) -> None:
            with contextlib.suppress(OSError):
                while piece := source.recv(1 if rest else 65_536):
                    target.sendall(piece)
                    time.sleep(rest)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client = listener.accept()[0]
                    server = socket.create_connection(("127.0.0.1", port))
                    for way in ((client, server, 0.0), (server, client, every_seconds)):
                        threading.Thread(target=pass_on, args=way, daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("scheme", ["ldaps", "ldap"])
def test_a_directory_that_trickles_ends_within_the_budget_and_delays_nobody_elsewhere(
    tmp_path: Path, authority: trustme.CA, scheme: str
) -> None:
    """Row 3: one budget for the whole sign-in, however steadily a real server's bytes come."""
    with fire(tmp_path, authority) as server:
        port = urlsplit(server.ldaps_uri if scheme == "ldaps" else server.starttls_uri).port
        assert port is not None
        with trickling(port, every_seconds=0.05) as slow:  # 20 bytes a second
            away = LdapDirectory(settings_for(server, f"{scheme}://127.0.0.1:{slow}"))
            ours = LdapDirectory(settings_for(server))
            gate = Bulkhead("slow", at_once=1)
            outcomes: list[tuple[float, object]] = []

            def sign_in() -> object:
                return gate.run(
                    lambda: away.authenticate("alice", FIRE_PASSWORD, BUDGET),
                    timeout_seconds=BUDGET + 0.5,
                )

            waiting = threading.Thread(target=lambda: outcomes.append(seconds_of(sign_in)))
            waiting.start()
            took, given = seconds_of(lambda: ours.authenticate("alice", FIRE_PASSWORD, BUDGET))
            waiting.join()

        ((seconds, refused),) = outcomes
        assert isinstance(refused, DirectoryUnavailable)
        assert BUDGET - 0.5 < seconds < BUDGET + 0.5
        assert isinstance(given, DirectoryPerson)
        assert took < BUDGET / 2
        gate.close()


def test_groups_cut_short_refuse_also_when_they_are_looked_up_later(
    tmp_path: Path, authority: trustme.CA
) -> None:
    """Row 6: 1,200 memberships against a limit of 500, at sign-in and at the re-check."""
    alice = f"uid=alice,{PEOPLE}"
    base = f"ou=groups,{SUFFIX}"
    tree = person("alice", "1") + f"dn: {base}\nobjectClass: organizationalUnit\nou: groups\n\n"
    tree += "".join(
        f"dn: cn=g{each},{base}\nobjectClass: groupOfNames\ncn: g{each}\nmember: {alice}\n\n"
        for each in range(1_200)
    )
    groups = Groups(base=base, posts={f"cn=g1,{base}": "Payroll officer"})
    with Slapd(tmp_path / "limited", authority, people=tree) as server:
        whole = LdapDirectory(settings_for(server)).authenticate("alice", FIRE_PASSWORD, BUDGET)
        directory = LdapDirectory(settings_for(server, groups=groups))
        with pytest.raises(DirectoryMisconfigured):
            directory.authenticate("alice", FIRE_PASSWORD, BUDGET)
        with pytest.raises(DirectoryMisconfigured):
            directory.look_up(whole.directory_id, BUDGET)


def test_a_domain_follows_groups_fifty_deep(domain: Samba) -> None:
    """Row 7."""
    inside = f"CN=alice,{STAFF}"
    for level in range(50):
        inside = domain.add_group(f"level-{level}", inside)
    directory = LdapDirectory(domain_settings(domain, posts={inside: "Chief"}))
    found = directory.authenticate("alice", PASSWORD, 25.0)  # 0.7 s here when nothing else runs

    assert len(found.groups) == 50
    assert found.posts == {"Chief"}
