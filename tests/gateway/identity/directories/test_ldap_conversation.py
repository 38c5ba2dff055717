"""What is believed of a server whose answers do not fit together; a real one gives no such."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.errors import DirectoryMisconfigured
from gateway.identity.directories.directory import (
    AccountClosed,
    AccountState,
    DirectoryPerson,
    EntryIncomplete,
    WrongPassword,
)
from gateway.identity.directories.ldap_conversation import Conversation
from gateway.identity.directories.ldap_link import Entry, Found, Judgement, Link, NotWhole
from gateway.identity.directories.ldap_settings import Domain, LdapSettings
from tests.gateway.identity.conftest import DOMAIN_ATTRIBUTES

ALICE = "CN=alice,DC=police,DC=example"
GUID = bytes(range(16))


@dataclass
class ScriptedLink:
    """A server that says what a test wants."""

    accepts: set[str] = field(default_factory=set)
    entry: dict[str, list[bytes]] = field(
        default_factory=lambda: {
            "objectguid": [GUID],
            "samaccountname": [b"alice"],
            "useraccountcontrol": [b"512"],
            "employeeid": [b"1"],
        }
    )
    bound: list[str] = field(default_factory=list)
    server: Any = None

    def bind(self, name: str, _password: str) -> Judgement:
        self.bound.append(name)
        return Judgement(accepted=name in self.accepts)

    def bind_as_nobody(self) -> None:
        self.bound.append("")

    def find(self, _base: str, _wanted: str, _attributes: tuple[str, ...]) -> Found:
        return Found(dn=ALICE, entry=cast("Entry", self.entry))

    def whole(self, *_: Any, **__: Any) -> list[Found]:
        raise NotWhole("directory: a part")


def talk(link: ScriptedLink, **changed: Any) -> Conversation:
    settings = LdapSettings(
        uris=("ldaps://dc.police.example",),
        ca_file=Path("ca.pem"),
        base="DC=police,DC=example",
        attributes=DOMAIN_ATTRIBUTES,
        domain=Domain(name="police.example"),
        **changed,
    )
    return Conversation(settings=settings, link=cast("Link", link), at_ns=0)


def sign_in(link: ScriptedLink) -> DirectoryPerson:
    return talk(link).sign_in("alice", "password", None)


def test_whoever_is_described_is_whoever_gave_the_password() -> None:
    """One's userPrincipalName may be what another's account name stands for."""
    link = ScriptedLink(accepts={"alice@police.example"})
    with pytest.raises(WrongPassword):
        sign_in(link)

    assert link.bound == ["alice@police.example", ALICE]


def test_a_disabled_account_is_closed_although_the_server_takes_its_password() -> None:
    """A replica may lag behind in the one and not in the other."""
    link = ScriptedLink(accepts={"alice@police.example", ALICE})
    link.entry["useraccountcontrol"] = [b"514"]
    with pytest.raises(AccountClosed) as refused:
        sign_in(link)

    assert (refused.value.state, refused.value.known_password) == (AccountState.DISABLED, True)


def test_part_of_a_team_is_no_team() -> None:
    person = sign_in(ScriptedLink(accepts={"alice@police.example", ALICE}))

    assert (person.team, person.team_complete) == (frozenset(), False)


def test_an_entry_that_lacks_its_id_is_told_after_the_password_only() -> None:
    link = ScriptedLink(accepts={"alice@police.example", ALICE})
    del link.entry["objectguid"]
    with pytest.raises(EntryIncomplete):
        sign_in(link)
    link.accepts.clear()
    with pytest.raises(WrongPassword):
        sign_in(link)


def test_nobody_is_looked_up_by_a_server_that_does_not_know_the_gateway(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("secret")
    secret.chmod(0o600)
    asked = talk(
        ScriptedLink(server=type("Server", (), {"uri": "ldaps://dc"})),
        bind_dn="gateway@police.example",
        bind_password_file=secret,
    )

    with pytest.raises(DirectoryMisconfigured, match="refuses the account to search with"):
        asked.look_up("00010203-0405-0607-0809-0a0b0c0d0e0f")
