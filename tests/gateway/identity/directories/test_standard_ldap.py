"""OpenLDAP asked in its other ways: binding directly, and with a password policy."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from gateway.errors import DirectoryMisconfigured, WrongCredentials
from gateway.identity.directories.directory import (
    AccountClosed,
    AccountState,
    GuessingStopped,
    WrongPassword,
)
from gateway.identity.directories.ldap_directory import LdapDirectory
from gateway.identity.directories.standard_ldap import StandardLdap
from tests.doubles.slapd import PASSWORD, PEOPLE, SUFFIX, Slapd, person
from tests.gateway.identity.conftest import settings_for

pytestmark = pytest.mark.directory

BUDGET = 5.0
PATTERN = f"uid={{name}},{PEOPLE}"
POLICIES = f"ou=policies,{SUFFIX}"


def policy(name: str, **rules: str) -> str:
    told = "".join(f"{rule}: {value}\n" for rule, value in rules.items())
    return (
        f"dn: cn={name},{POLICIES}\nobjectClass: device\nobjectClass: pwdPolicy\ncn: {name}\n"
        f"pwdAttribute: userPassword\n{told}\n"
    )


TREE = (
    person("alice", "1")
    + person("locked", "2")
    + person("expired", "3", pwdPolicySubentry=f"cn=short,{POLICIES}",
             pwdChangedTime="20200101000000Z")
    + person("reset", "4", pwdReset="TRUE")
    + person("barred", "5", pwdAccountLockedTime="000001010000Z")
    + f"dn: {POLICIES}\nobjectClass: organizationalUnit\nou: policies\n\n"
    + policy("default", pwdLockout="TRUE", pwdMaxFailure="3", pwdMustChange="TRUE")
    + policy("short", pwdMaxAge="60")
)  # fmt: skip


@pytest.fixture(scope="module")
def governed(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[Slapd]:
    """A directory with a password policy, readable by people themselves."""
    with Slapd(
        tmp_path_factory.mktemp("governed"),
        authority,
        people=TREE,
        extra="moduleload ppolicy",
        overlays=f"overlay ppolicy\nppolicy_default cn=default,{POLICIES}\nppolicy_use_lockout\n",
        limits=f'access to dn.subtree="{PEOPLE}" by self read by * break',
    ) as server:
        yield server


def closed(server: Slapd, name: str, password: str, **changed: Any) -> tuple[AccountState, bool]:
    directory = LdapDirectory(settings_for(server, **changed))
    with pytest.raises(AccountClosed) as refused:
        directory.authenticate(name, password, BUDGET)
    return refused.value.state, refused.value.known_password


class TestAccountStates:
    """What the password policy says is told for the right password only."""

    @pytest.mark.parametrize("direct", ["", PATTERN])
    @pytest.mark.parametrize("name", ["expired", "reset"])
    def test_a_password_to_be_changed_is_told_to_who_knows_it(
        self, governed: Slapd, name: str, direct: str
    ) -> None:
        state = AccountState.MUST_CHANGE_PASSWORD

        assert closed(governed, name, PASSWORD, direct_bind=direct) == (state, True)

    def test_a_wrong_password_is_just_that_for_an_expired_one(self, governed: Slapd) -> None:
        with pytest.raises(WrongPassword):
            LdapDirectory(settings_for(governed)).authenticate("expired", "wrong", BUDGET)

    def test_a_barred_account_is_not_told_for_any_password(self, governed: Slapd) -> None:
        for password in (PASSWORD, "wrong"):
            state, told = closed(governed, "barred", password)
            assert (state in {AccountState.DISABLED, AccountState.LOCKED}, told) == (True, False)

    def test_a_locked_account_is_not_told_and_is_seen_by_the_re_check(
        self, governed: Slapd
    ) -> None:
        directory = LdapDirectory(settings_for(governed))
        before = directory.authenticate("locked", PASSWORD, BUDGET)
        for _ in range(3):
            with contextlib.suppress(WrongCredentials):
                directory.authenticate("locked", "wrong", BUDGET)

        assert closed(governed, "locked", PASSWORD) == (AccountState.LOCKED, False)
        with pytest.raises(AccountClosed) as seen:
            directory.look_up(before.directory_id, BUDGET)
        assert seen.value.state is AccountState.LOCKED


class TestDirectBind:
    """People bind without being searched for."""

    def test_it_gives_the_same_person(self, governed: Slapd) -> None:
        searched = LdapDirectory(settings_for(governed))
        direct = LdapDirectory(settings_for(governed, direct_bind=PATTERN))

        for name in ("alice", " ALICE "):
            assert direct.authenticate(name, PASSWORD, BUDGET) == searched.authenticate(
                "alice", PASSWORD, BUDGET
            )

    def test_it_needs_no_account_to_search_with(self, governed: Slapd) -> None:
        settings = settings_for(governed, direct_bind=PATTERN, bind_dn=None)
        directory = LdapDirectory(settings)

        assert directory.authenticate("alice", PASSWORD, BUDGET).username == "alice"
        with pytest.raises(WrongPassword):
            directory.authenticate("alice", "wrong", BUDGET)
        with pytest.raises(WrongCredentials):
            directory.authenticate("nobody", PASSWORD, BUDGET)

    @pytest.mark.parametrize(
        "typed",
        ["*", "a*", ")(uid=*", r"\2a", f"alice,{PEOPLE}", "alice+cn=Alice", "#616c696365",
         "alice,uid=bob", "x,uid=alice"],
    )  # fmt: skip
    def test_what_is_typed_stays_one_value_of_the_dn(self, governed: Slapd, typed: str) -> None:
        directory = LdapDirectory(settings_for(governed, direct_bind=PATTERN))

        with pytest.raises(WrongCredentials):
            directory.authenticate(typed, PASSWORD, BUDGET)

    def test_a_guesser_is_counted_by_one_name_and_stopped_before_the_password(
        self, governed: Slapd
    ) -> None:
        counted: set[str] = set()
        directory = LdapDirectory(settings_for(governed, direct_bind=PATTERN))

        def stop(_: str, person_key: str) -> bool:
            counted.add(person_key)
            return False

        length = governed.log_length()
        for name in ("alice", "ALICE", " Alice "):
            with pytest.raises(GuessingStopped):
                directory.authenticate(name, PASSWORD, BUDGET, before_bind=stop)

        assert len(counted) == 1
        assert not [line for line in governed.binds(length) if "uid=alice" in line]

    def test_a_pattern_without_a_place_for_the_name_is_refused(self, governed: Slapd) -> None:
        with pytest.raises(DirectoryMisconfigured, match="DN to bind as"):
            settings_for(governed, direct_bind=f"uid=alice,{PEOPLE}")


def test_a_lock_that_has_run_out_does_not_shut_out_who_knows_the_password() -> None:
    """It stands in the entry until the next good bind."""
    dialect = StandardLdap(filter_pattern="(uid={name})")

    assert dialect.state({"pwdaccountlockedtime": [b"20200101000000Z"]}, 0) is AccountState.LOCKED
    assert dialect.state({}, 0) is None
