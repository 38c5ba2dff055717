r"""Active Directory: three spellings of a sign-in name, account states, groups by rule-in-chain.

Somebody signs in as `name` (sAMAccountName), `DOMAIN\name` or `name@suffix` (userPrincipalName).
`name@` with the domain's own name also means whoever has `name` as sAMAccountName. INVARIANT: a
name that leads to two people leads to nobody; another domain's name or suffix does too.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.identity.directories.account_state import (
    DOMAIN_ATTRIBUTES,
    Closure,
    closure_by_domain,
    state_in_domain,
)
from gateway.identity.directories.directory import AccountState
from gateway.identity.directories.ldap_dialect import Groups
from gateway.identity.directories.ldap_groups import groups_in_domain
from gateway.identity.directories.ldap_link import Entry, Judgement, Link
from gateway.identity.directories.ldap_text import equals

PEOPLE = "(objectCategory=person)(objectClass=user)"
# What no sAMAccountName has in it (MS-SAMR 3.1.1.6); the backslash parts the domain from the name.
_NOT_IN_NAMES = frozenset('"/\\[]:;|=,+*?<>@')


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveDirectory:
    """One domain.

    Attributes:
        domain: its DNS name.
        base: below which the staff are.
        netbios: its short name, or empty.
        upn_suffixes: what may stand after the @ beside the domain's name.
        group_settings: which groups give a post; None if they are not read.
    """

    domain: str
    base: str
    netbios: str = ""
    upn_suffixes: tuple[str, ...] = ()
    group_settings: Groups | None = None

    @property
    def state_attributes(self) -> tuple[str, ...]:
        """What to ask of an entry to know its state."""
        return DOMAIN_ATTRIBUTES

    @property
    def root(self) -> str:
        """The DN of the domain."""
        return ",".join(f"DC={part}" for part in self.domain.split("."))

    def name_filter(self, name: str) -> str | None:
        """Give the filter that finds the one person of a name typed; None if nobody has it."""
        account, suffix = self._parts(name)
        if not account:
            return None
        own_name = equals("sAMAccountName", account)
        if not suffix:
            return f"(&{PEOPLE}{own_name})"
        by_upn = equals("userPrincipalName", f"{account}@{suffix}")
        if suffix != self.domain.casefold():
            return f"(&{PEOPLE}{by_upn})"
        return f"(&{PEOPLE}(|{by_upn}{own_name}))"

    def direct_name(self, name: str) -> str | None:
        """Give the userPrincipalName of a name typed; None if nobody has it."""
        account, suffix = self._parts(name)
        return f"{account}@{suffix or self.domain.casefold()}" if account else None

    def own_filter(self, name: str) -> tuple[str, str] | None:
        """Give base and filter of who has bound by `direct_name`."""
        wanted = self.name_filter(name)
        return (self.base, wanted) if wanted else None

    def closure(self, judgement: Judgement) -> Closure | None:
        """Read the code in the words of a refusal."""
        return closure_by_domain(judgement)

    def state(self, entry: Entry, at_ns: int) -> AccountState | None:
        """Read the account's control bits."""
        return state_in_domain(entry, at_ns)

    def groups(self, link: Link, dn: str) -> frozenset[str]:
        """Let the domain follow the membership."""
        return groups_in_domain(link, self.root, dn) if self.group_settings else frozenset()

    def _parts(self, name: str) -> tuple[str, str]:
        """Part a name typed into account and suffix; no account if it is of elsewhere."""
        domain, backslash, account = name.strip().rpartition("\\")
        own_names = {self.netbios.casefold(), self.domain.casefold()} - {""}
        if backslash and domain.casefold() not in own_names:
            return "", ""
        suffix = ""
        if "@" in account:
            account, _, suffix = account.rpartition("@")
            known = {each.casefold() for each in (self.domain, *self.upn_suffixes)}
            if backslash or suffix.casefold() not in known:
                return "", ""
        return ("", "") if _NOT_IN_NAMES & set(account) else (account, suffix.casefold())
