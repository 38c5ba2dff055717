"""Three real directories: each with its own suffix, schema and authority, filled and answering."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import ldap
import pytest

from deploy.demo.directory import Directory, dn_of, find_slapd, ldif
from deploy.demo.places import free_ports
from deploy.demo.scenario import load_scenario
from deploy.demo.staff import staff_of

pytestmark = pytest.mark.directory
SCENARIO = load_scenario()
ACCOUNTS, ORGANISATIONS = SCENARIO.accounts, SCENARIO.organisations
POLICE, FIRE = SCENARIO["cheshire-police"], SCENARIO["cheshire-fire"]


@pytest.fixture(scope="module")
def directories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Directory]]:
    """Start the three, filled, as the demo does."""
    folder = tmp_path_factory.mktemp("directories")
    slapd = find_slapd(folder / "bin")
    started: dict[str, Directory] = {}
    processes = []
    try:
        for organisation, port in zip(ORGANISATIONS, free_ports(3), strict=True):
            directory = Directory(
                organisation=organisation, folder=folder / organisation.id, port=port
            )
            directory.prepare(datetime.now(UTC))  # noqa: TID251 - certificates are dated from now
            directory.load(slapd, staff_of(organisation, ACCOUNTS), ACCOUNTS.password)
            processes.append(subprocess.Popen(directory.command(slapd)))
            started[organisation.id] = directory
        for directory in started.values():
            wait_for(directory)
        yield started
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def wait_for(directory: Directory) -> None:
    latest = time.monotonic() + 20
    while True:
        try:
            bound(directory)
        except ldap.SERVER_DOWN:
            assert time.monotonic() < latest
            time.sleep(0.05)
        else:
            return


def connection_to(directory: Directory, ca_file: Path | None = None) -> ldap.ldapobject.LDAPObject:
    connection = ldap.initialize(directory.uri)
    connection.set_option(ldap.OPT_NETWORK_TIMEOUT, 5)
    connection.set_option(ldap.OPT_X_TLS_CACERTFILE, str(ca_file or directory.ca_file))
    connection.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND)
    connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
    return connection


def bound(directory: Directory) -> ldap.ldapobject.LDAPObject:
    """Bind as the gateway does."""
    connection = connection_to(directory)
    password = directory.bind_password_file.read_text()
    connection.simple_bind_s(directory.organisation.bind_dn, password)
    return connection


@pytest.mark.parametrize("account", ACCOUNTS.each, ids=lambda one: one.username)
def test_every_account_is_found_and_can_bind(
    directories: dict[str, Directory], account: object
) -> None:
    from deploy.demo.accounts import Account

    assert isinstance(account, Account)
    directory = directories[account.organisation]
    names = directory.organisation.attributes
    found = bound(directory).search_s(
        directory.organisation.base,
        ldap.SCOPE_SUBTREE,
        f"({names['username']}={account.username})",
        ["*", "entryUUID"],
    )
    ((dn, attributes),) = found
    connection_to(directory).simple_bind_s(dn, ACCOUNTS.password)

    assert attributes[names["employee_number"]] == [account.employee_number.encode()]
    assert set(attributes[names["post"]]) == {post.encode() for post in account.posts}
    assert attributes[names["unit"]] == [account.unit.encode()]
    assert attributes[names["name"]] == [account.name.encode()]
    assert len(attributes["entryUUID"]) == 1


def test_a_wrong_password_does_not_bind(directories: dict[str, Directory]) -> None:
    directory = directories["cheshire-fire"]
    member = staff_of(FIRE, ACCOUNTS)[0]

    with pytest.raises(ldap.INVALID_CREDENTIALS):
        connection_to(directory).simple_bind_s(dn_of(FIRE, member), "Demo")


def test_nobody_reads_without_binding_first(directories: dict[str, Directory]) -> None:
    directory = directories["cheshire-police"]

    with pytest.raises(ldap.UNWILLING_TO_PERFORM):
        connection_to(directory).search_s(POLICE.base, ldap.SCOPE_SUBTREE, "(cn=*)")


def test_passwords_are_never_given_out(directories: dict[str, Directory]) -> None:
    found = bound(directories["nwas"]).search_s(
        directories["nwas"].organisation.base, ldap.SCOPE_ONELEVEL, "(nwasLogin=paramedic)"
    )

    assert "userPassword" not in found[0][1]


def test_each_directory_has_an_authority_of_its_own(directories: dict[str, Directory]) -> None:
    """A certificate of the fire service must not pass for the constabulary's."""
    fire, police = directories["cheshire-fire"], directories["cheshire-police"]

    with pytest.raises(ldap.SERVER_DOWN):
        connection_to(fire, ca_file=police.ca_file).simple_bind_s(FIRE.bind_dn, "x")


def test_a_team_is_found_by_its_manager(directories: dict[str, Directory]) -> None:
    directory = directories["cheshire-fire"]
    manager = f"uid=watch-manager,{FIRE.base}"
    found = bound(directory).search_s(
        FIRE.base, ldap.SCOPE_SUBTREE, f"(manager={manager})", ["employeeNumber"]
    )

    assert len(found) == ACCOUNTS["watch-manager"].manages


def test_the_fire_directory_claims_vetting_for_the_firefighter(
    directories: dict[str, Directory],
) -> None:
    """The claim that the gateway must not believe has to be there, or its test proves nothing."""
    found = bound(directories["cheshire-fire"]).search_s(
        FIRE.base, ldap.SCOPE_SUBTREE, "(cfrsVettingLevel=NPPV3)", ["uid"]
    )

    assert [attributes["uid"] for _, attributes in found] == [[b"firefighter"]]


def test_the_content_is_the_same_each_time() -> None:
    """Only the hash of the gateway's own password may differ between two runs."""
    staff = staff_of(FIRE, ACCOUNTS)
    first, second = ("".join(ldif(FIRE, staff, "demo", "secret")) for _ in range(2))

    assert first == second
    assert "entryUUID: " in first


def test_what_is_secret_is_readable_by_its_owner_alone(
    directories: dict[str, Directory],
) -> None:
    for directory in directories.values():
        for file in (directory.bind_password_file, directory.folder / "tls" / "server.key"):
            assert file.stat().st_mode & 0o777 == 0o600
