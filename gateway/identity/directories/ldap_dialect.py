"""What differs between directories that speak LDAP: names, account states, groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway.identity.directories.account_state import Closure
from gateway.identity.directories.directory import AccountState
from gateway.identity.directories.ldap_link import Entry, Judgement, Link
from gateway.identity.directories.ldap_text import dn_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Which groups give a post.

    Attributes:
        posts: DN of each group to the post.
        base: below which groups are looked for; a domain is searched whole.
        member: the attribute of a group with the DNs of its members.
    """

    posts: Mapping[str, str]
    base: str = ""
    member: str = "member"

    @property
    def by_key(self) -> dict[str, str]:
        """Give the posts by the form in which DNs are compared."""
        return {key: post for dn, post in self.posts.items() if (key := dn_key(dn))}


class Dialect(Protocol):
    """One kind of directory."""

    @property
    def state_attributes(self) -> tuple[str, ...]:
        """What to ask of an entry to know its state."""
        ...

    def name_filter(self, name: str) -> str | None:
        """Give the filter that finds the one entry of a name typed; None if nobody has it."""
        ...

    def direct_name(self, name: str) -> str | None:
        """Give what to bind as for a name typed, without a search; None if nobody has it."""
        ...

    def own_filter(self, name: str) -> tuple[str, str] | None:
        """Give base and filter of the entry of who has bound by `direct_name`."""
        ...

    def closure(self, judgement: Judgement) -> Closure | None:
        """Read from the answer to a password that the account is closed."""
        ...

    def state(self, entry: Entry, at_ns: int) -> AccountState | None:
        """Read from an entry that the account is closed."""
        ...

    def groups(self, link: Link, dn: str) -> frozenset[str]:
        """Give all groups somebody is in, or raise."""
        ...
