"""OpenLDAP and its like: names by a filter or a pattern of DNs, groups by walking."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.identity.directories.account_state import (
    POLICY_ATTRIBUTES,
    Closure,
    closure_by_policy,
    state_by_policy,
)
from gateway.identity.directories.directory import AccountState
from gateway.identity.directories.ldap_dialect import Groups
from gateway.identity.directories.ldap_groups import groups_by_walk
from gateway.identity.directories.ldap_link import Entry, Judgement, Link
from gateway.identity.directories.ldap_text import escape, escape_in_dn

PLACE = "{name}"
ANYTHING = "(objectClass=*)"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardLdap:
    """A directory without an opinion of its own on names.

    Attributes:
        filter_pattern: finds a person by the name typed, in place of `{name}`.
        dn_pattern: the DN of a person by the name typed; empty where people are searched for first.
        group_settings: where groups are; None if they are not read.
    """

    filter_pattern: str
    dn_pattern: str = ""
    group_settings: Groups | None = None

    @property
    def state_attributes(self) -> tuple[str, ...]:
        """What to ask of an entry to know its state."""
        return POLICY_ATTRIBUTES

    def name_filter(self, name: str) -> str | None:
        """Give the filter that finds the one entry of a name typed."""
        return self.filter_pattern.replace(PLACE, escape(name))

    def direct_name(self, name: str) -> str | None:
        """Give the DN of a name typed."""
        return self.dn_pattern.replace(PLACE, escape_in_dn(name.strip()))

    def own_filter(self, name: str) -> tuple[str, str] | None:
        """Give the DN itself: below a person there is nobody else."""
        dn = self.direct_name(name)
        return (dn, ANYTHING) if dn else None

    def closure(self, judgement: Judgement) -> Closure | None:
        """Read what a password policy says beside the answer."""
        return closure_by_policy(judgement)

    def state(self, entry: Entry, at_ns: int) -> AccountState | None:
        """Read what a password policy keeps in the entry."""
        return state_by_policy(entry, at_ns)

    def groups(self, link: Link, dn: str) -> frozenset[str]:
        """Walk up from the person."""
        known = self.group_settings
        return groups_by_walk(link, known.base, known.member, dn) if known else frozenset()
