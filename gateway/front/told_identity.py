"""What one system is told of who asks: the signed assertion, and the fields it expects beside it.

Which of the ways is taken is settled when the settings are read: a system that takes the assertion
alone pays for nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from gateway.account_table import Account
from gateway.backoffice.accounts import NO_ACCOUNT, AccountRule, Accounts
from gateway.backoffice.headers import ASSERTION_FIELD, identity_fields
from gateway.backoffice.transport import ExchangeError
from gateway.wire.websocket_head import WEBSOCKET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.backoffice.assertion import AssertionMint
    from gateway.identity.sessions.live_session import LiveSession
    from gateway.settings_upstreams import UpstreamSection
    from gateway.system_hosts import SystemHost
    from gateway.visit import Grant, Visit

Identity: TypeAlias = "Callable[[Visit, Grant | None, LiveSession], list[tuple[bytes, bytes]]]"
_NOBODY = Account(name="")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldFields:
    """Fields beside the assertion.

    Attributes:
        claims: field name to claim name.
        fixed: field name to text.
    """

    claims: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)

    def over(self, other: ToldFields) -> ToldFields:
        """Give the fields of both; of one that both name, ours, however it is spelt."""
        ours = {_plain(name) for name in (*self.claims, *self.fixed)}
        claims = {name: said for name, said in other.claims.items() if _plain(name) not in ours}
        fixed = {name: said for name, said in other.fixed.items() if _plain(name) not in ours}
        return ToldFields(claims={**claims, **self.claims}, fixed={**fixed, **self.fixed})

    def names(self) -> tuple[str, ...]:
        """Give the names of all fields."""
        return (*self.claims, *self.fixed)


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemProfile:
    """How one system is told who is asking.

    Attributes:
        id: as the catalogue names it.
        audience: of the signed assertion.
        fields: beside the assertion.
        by_function: the same for functions that have fields of their own, the system's included.
        accounts: who a person is there; None where that is not asked.
        binds: whether an assertion holds for one method and target alone.
    """

    id: str
    audience: str
    fields: ToldFields = ToldFields()
    by_function: Mapping[str, ToldFields] = field(default_factory=dict)
    accounts: Accounts | None = None
    binds: bool = False


def profile_of(section: UpstreamSection, host: SystemHost | None = None) -> SystemProfile:
    """Give the profile that the settings describe.

    Args:
        section: of the system.
        host: its own host, if it has one; it is told by which name staff reach it.
    """
    fixed = dict(section.fixed_headers)
    if host is not None:
        fixed["X-Forwarded-Host"] = host.authority
        fixed["X-Forwarded-Proto"] = host.origin.partition(":")[0]
    fields = ToldFields(claims=section.identity_headers, fixed=fixed)
    accounts = None
    if section.accounts is not None:
        rules = {
            each.organisation: AccountRule(
                source=each.source, letters=each.letters, prefix=each.prefix
            )
            for each in section.accounts.rules
        }
        accounts = Accounts(section.id, rules=rules, file=section.accounts.file)
    return SystemProfile(
        id=section.id,
        audience=section.audience,
        fields=fields,
        by_function={
            function: ToldFields(claims=each.identity_headers, fixed=each.fixed_headers).over(
                fields
            )
            for each in section.function_headers
            for function in each.functions
        },
        accounts=accounts,
        binds=section.bind_assertion,
    )


def identity_of(profile: SystemProfile, mint: AssertionMint) -> Identity:
    """Give what says who asks, in the cheapest way that the system's profile allows."""
    told = _ToldIdentity(profile, mint)
    return told.assertion_alone if is_told_alike(profile) else told.whole


def is_told_alike(profile: SystemProfile) -> bool:
    """Tell whether a system is told the same by all requests of a session: the assertion alone."""
    return not (profile.fields.names() or profile.by_function or profile.accounts or profile.binds)


class _ToldIdentity:
    """Writes the fields for one system."""

    def __init__(self, profile: SystemProfile, mint: AssertionMint) -> None:
        self._mint = mint
        self._audience = profile.audience
        self._accounts = profile.accounts
        self._binds = profile.binds
        self._fields = profile.fields
        self._by_function = profile.by_function
        # What some function alone is told: a proxy must put something in the place of the client's.
        every = {_plain(n): n for each in profile.by_function.values() for n in each.names()}
        self._every = tuple(every.items())

    def assertion_alone(
        self, _visit: Visit, _grant: Grant | None, live: LiveSession
    ) -> list[tuple[bytes, bytes]]:
        """Give the assertion."""
        assertion = self._mint.assertion_for(live.subject, live.session.hash, self._audience)
        return [(ASSERTION_FIELD, assertion)]

    def whole(
        self, visit: Visit, grant: Grant | None, live: LiveSession
    ) -> list[tuple[bytes, bytes]]:
        """Give the assertion and what stands beside it.

        Raises:
            ExchangeError: the person is nobody there.
        """
        subject, fields = live.subject, self._fields
        account = _NOBODY
        if self._accounts is not None:
            account = self._accounts.of(subject, live.staff.username)
        if self._by_function and grant is not None:
            fields = self._by_function.get(grant.match.function.id, fields)
        identity = [(ASSERTION_FIELD, self._assertion(visit, live, account.name))]
        if fields.claims:
            claims = {
                "staff_id": subject.staff_id,
                "organisation": subject.organisation,
                "employee_number": subject.employee_number,
                "username": live.staff.username,
                "name": subject.name,
                "unit": subject.unit,
                "account": account.name,
                "account_guid": account.guid,
                "client_address": visit.ip,
            }
            if not account.guid and "account_guid" in fields.claims.values():
                raise ExchangeError(403, NO_ACCOUNT)
            identity += identity_fields(fields.claims, claims)
        identity += [(name.encode(), text.encode()) for name, text in fields.fixed.items()]
        if visit.asking is not None and self._every:
            given = {_plain(name) for name in fields.names()}
            identity += [(name.encode(), b"") for key, name in self._every if key not in given]
        return identity

    def _assertion(self, visit: Visit, live: LiveSession, account: str) -> bytes:
        if not self._binds or visit.target is None:
            return self._mint.assertion_for(
                live.subject, live.session.hash, self._audience, account
            )
        method = "GET" if visit.method == WEBSOCKET else visit.method
        request = method, visit.target.sent
        return self._mint.bound_assertion(live.subject, self._audience, account, *request)


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")
