"""Active Directory, asked for real: names, ids, account states, groups."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable

import pytest

from gateway.errors import DirectoryMisconfigured
from gateway.identity.directories.active_directory import ActiveDirectory
from gateway.identity.directories.directory import (
    AccountClosed,
    AccountState,
    DirectoryPerson,
    PersonGone,
    UnknownPerson,
    WrongPassword,
)
from gateway.identity.directories.ldap_directory import LdapDirectory
from tests.doubles.samba import BASE, DOMAIN, GROUPS, PASSWORD, STAFF, Samba
from tests.gateway.identity.conftest import domain_settings

pytestmark = pytest.mark.directory

BUDGET = 5.0
FILETIME_OF_2019 = "132000000000000000"

Maker = Callable[..., str]
numbers = itertools.count(1)


@pytest.fixture
def make(police: Samba) -> Maker:
    """Give the function that makes somebody new and gives their name."""

    def made(**attributes: str) -> str:
        name = f"p{next(numbers)}"
        police.add_person(name, **{"employeeID": f"5{name[1:]}", **attributes})
        return name

    return made


def ask(police: Samba, name: str, password: str = PASSWORD, **changed: object) -> DirectoryPerson:
    settings = domain_settings(police, **changed)  # type: ignore[arg-type]  # passed on
    return LdapDirectory(settings).authenticate(name, password, BUDGET)


def closed(police: Samba, name: str, password: str) -> tuple[AccountState, bool]:
    with pytest.raises(AccountClosed) as refused:
        ask(police, name, password)
    assert refused.value.username == name
    return refused.value.state, refused.value.known_password


class TestNames:
    """One person, however they spell themselves; and nobody else."""

    def test_the_person_is_described_as_the_domain_knows_them(
        self, police: Samba, make: Maker
    ) -> None:
        name = make(title="Constable", department="Crewe", mail="p@police.example")
        person = ask(police, name)

        assert (person.username, person.name, person.employee_number) == (
            name,
            name.title(),
            f"5{name[1:]}",
        )
        assert (person.posts, person.unit, person.mail) == (
            frozenset({"Constable"}),
            "Crewe",
            "p@police.example",
        )
        assert str(uuid.UUID(person.directory_id)) == person.directory_id

    @pytest.mark.parametrize("uri", ["ldaps_uri", "starttls_uri"])
    def test_every_spelling_leads_to_the_same_person(
        self, police: Samba, make: Maker, uri: str
    ) -> None:
        name = make()
        police.modify(f"CN={name},{STAFF}", userPrincipalName=f"{name}@mail.example")
        spellings = (
            name,
            f" {name.upper()} ",
            f"police\\{name}",
            f"{DOMAIN}\\{name}",
            f"{name}@{DOMAIN}",
            f"{name}@MAIL.example",
        )
        settings = domain_settings(police, getattr(police, uri), upn_suffixes=("mail.example",))
        directory = LdapDirectory(settings)
        found = {directory.authenticate(each, PASSWORD, BUDGET) for each in spellings}

        assert len(found) == 1

    @pytest.mark.parametrize(
        "spelling",
        ["FIRE\\{}", "{}@fire.example", "{}@mail.example@police.example",
         "POLICE\\{}@police.example", "*", "{}*", "police\\", "@police.example", "dc1$"],
    )  # fmt: skip
    @pytest.mark.parametrize("with_account", [True, False])
    def test_what_is_of_elsewhere_leads_to_nobody(
        self,
        police: Samba,
        make: Maker,
        spelling: str,
        with_account: bool,
    ) -> None:
        with pytest.raises((UnknownPerson, WrongPassword)):
            ask(police, spelling.format(make()), with_account=with_account)

    def test_without_an_account_to_search_with_people_bind_as_themselves(
        self, police: Samba, make: Maker
    ) -> None:
        name = make()

        assert ask(police, name, with_account=False) == ask(police, name)
        with pytest.raises(WrongPassword):
            ask(police, name, "wrong", with_account=False)

    def test_the_dn_of_the_domain_is_made_of_its_name(self) -> None:
        assert ActiveDirectory(domain=DOMAIN, base=STAFF).root == BASE


class TestAccountStates:
    """Told apart in the record; told to the person only where the right password was shown."""

    @pytest.mark.parametrize(
        ("attributes", "state"),
        [
            ({"userAccountControl": "514"}, AccountState.DISABLED),
            ({"accountExpires": FILETIME_OF_2019}, AccountState.EXPIRED),
            ({"pwdLastSet": "0"}, AccountState.MUST_CHANGE_PASSWORD),
        ],
    )
    def test_a_closed_account_is_told_for_the_right_password_only(
        self, police: Samba, make: Maker, attributes: dict[str, str], state: AccountState
    ) -> None:
        name = make(**attributes)

        assert closed(police, name, PASSWORD) == (state, True)
        assert closed(police, name, "wrong") == (state, False)

    def test_a_locked_account_is_not_told_for_any_password(
        self, police: Samba, make: Maker
    ) -> None:
        """The domain answers "locked" for right and wrong ones alike."""
        name = make()
        police.lock(name)

        assert closed(police, name, PASSWORD) == (AccountState.LOCKED, False)
        assert closed(police, name, "wrong") == (AccountState.LOCKED, False)

    def test_without_an_account_to_search_with_it_is_the_same(
        self, police: Samba, make: Maker
    ) -> None:
        name = make(userAccountControl="514")

        with pytest.raises(AccountClosed) as refused:
            ask(police, name, with_account=False)
        assert (refused.value.state, refused.value.known_password) == (AccountState.DISABLED, True)
        with pytest.raises(WrongPassword):
            ask(police, name, "wrong", with_account=False)

    def test_an_unknown_name_and_a_wrong_password_cost_the_same_steps(
        self, police: Samba, make: Maker
    ) -> None:
        with pytest.raises(UnknownPerson):
            ask(police, "nobody-at-all")
        with pytest.raises(WrongPassword):
            ask(police, make(), "wrong")


class TestLookUp:
    """The background re-check, by the id that never changes."""

    def test_it_follows_a_rename(self, police: Samba, make: Maker) -> None:
        name = make()
        before = ask(police, name)
        police.modify(
            f"CN={name},{STAFF}", sAMAccountName=f"{name}x", userPrincipalName=f"{name}x@{DOMAIN}"
        )
        after = LdapDirectory(domain_settings(police)).look_up(before.directory_id, BUDGET)

        assert (after.directory_id, after.username) == (before.directory_id, f"{name}x")

    @pytest.mark.parametrize(
        ("attributes", "state"),
        [
            ({"userAccountControl": "514"}, AccountState.DISABLED),
            ({"accountExpires": FILETIME_OF_2019}, AccountState.EXPIRED),
            ({"pwdLastSet": "0"}, AccountState.MUST_CHANGE_PASSWORD),
            ({}, AccountState.LOCKED),
        ],
    )
    def test_it_sees_an_account_that_is_closed_meanwhile(
        self, police: Samba, make: Maker, attributes: dict[str, str], state: AccountState
    ) -> None:
        name = make()
        directory = LdapDirectory(domain_settings(police))
        person = ask(police, name)
        assert directory.look_up(person.directory_id, BUDGET) == person
        if attributes:
            police.modify(f"CN={name},{STAFF}", **attributes)
        else:
            police.lock(name)

        with pytest.raises(AccountClosed) as seen:
            directory.look_up(person.directory_id, BUDGET)
        assert (seen.value.state, seen.value.known_password) == (state, False)

    def test_an_account_deleted_and_made_again_is_somebody_else(
        self, police: Samba, make: Maker
    ) -> None:
        name = make()
        before = ask(police, name)
        police.delete(f"CN={name},{STAFF}")
        police.add_person(name, employeeID=before.employee_number)
        directory = LdapDirectory(domain_settings(police))

        with pytest.raises(PersonGone):
            directory.look_up(before.directory_id, BUDGET)
        assert ask(police, name).directory_id != before.directory_id

    def test_who_has_left_the_base_is_gone(self, police: Samba, make: Maker) -> None:
        person = ask(police, make())
        elsewhere = LdapDirectory(domain_settings(police, base=GROUPS))

        with pytest.raises(PersonGone):
            elsewhere.look_up(person.directory_id, BUDGET)

    @pytest.mark.parametrize("id_", ["*", "no-guid", "", str(uuid.UUID(int=7))])
    def test_what_is_no_id_of_anybody_is_gone(self, police: Samba, id_: str) -> None:
        with pytest.raises(PersonGone):
            LdapDirectory(domain_settings(police)).look_up(id_, BUDGET)

    def test_without_an_account_to_search_with_nobody_can_be_looked_up(
        self, police: Samba, make: Maker
    ) -> None:
        """It must not end everybody's session as if they were gone."""
        directory = LdapDirectory(domain_settings(police, with_account=False))
        person = ask(police, make())

        with pytest.raises(DirectoryMisconfigured, match="account to search with"):
            directory.look_up(person.directory_id, BUDGET)


class TestGroups:
    """The domain follows membership itself; a group stands for a post by the settings alone."""

    def test_groups_within_groups_count_and_a_cycle_ends(self, police: Samba, make: Maker) -> None:
        name = make(title="Constable")
        inner = police.add_group(f"inner-{name}", f"CN={name},{STAFF}")
        middle = police.add_group(f"middle-{name}", inner)
        outer = police.add_group(f"outer-{name}", middle)
        police.modify(inner, member=[f"CN={name},{STAFF}", outer])
        police.add_group(f"other-{name}")
        person = ask(police, name, posts={outer.upper().replace(",", ", "): "Payroll officer"})

        assert person.groups == {inner, middle, outer}
        assert person.posts == {"Constable", "Payroll officer"}

    def test_who_leaves_a_group_loses_its_post(self, police: Samba, make: Maker) -> None:
        name = make()
        group = police.add_group(f"leave-{name}", f"CN={name},{STAFF}")
        directory = LdapDirectory(domain_settings(police, posts={group: "Payroll officer"}))
        person = directory.authenticate(name, PASSWORD, BUDGET)
        police.modify(group, member="")

        assert person.posts == {"Payroll officer"}
        assert directory.look_up(person.directory_id, BUDGET).posts == frozenset()

    def test_more_groups_than_are_believed_refuse_the_sign_in(
        self, police: Samba, make: Maker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = make()
        groups = [police.add_group(f"many-{each}-{name}", f"CN={name},{STAFF}") for each in "abc"]
        monkeypatch.setattr("gateway.identity.directories.ldap_groups.MAX_GROUPS", 2)

        with pytest.raises(DirectoryMisconfigured, match="no whole answer"):
            ask(police, name, posts={groups[0]: "Payroll officer"})
        assert ask(police, name).groups == frozenset()

    def test_a_group_says_nothing_where_the_settings_do_not_ask(
        self, police: Samba, make: Maker
    ) -> None:
        name = make()
        police.add_group(f"unasked-{name}", f"CN={name},{STAFF}")

        assert ask(police, name).groups == frozenset()


def test_a_team_is_who_names_them_as_manager(police: Samba, make: Maker) -> None:
    name = make()
    report = make(manager=f"CN={name},{STAFF}")

    assert ask(police, name).team == {f"5{report[1:]}"}


def test_an_account_that_may_not_see_the_state_is_told_not_trusted() -> None:
    """Without the control bits a disabled account would look open."""
    with pytest.raises(DirectoryMisconfigured, match="userAccountControl"):
        ActiveDirectory(domain=DOMAIN, base=STAFF).state({}, 0)
