"""From what a provider says of a person to the person as the gateway knows them.

The key is issuer and `sub` together, hashed: no two providers can mean one person by one `sub`, and
no provider can name the entry of an LDAP directory. Everything else describes. What somebody is
cleared to is not read from claims at all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from gateway.identity.directories.directory import DirectoryPerson, EntryIncomplete
from gateway.identity.names import is_plain
from gateway.identity.providers.provider_settings import ProviderSettings
from gateway.identity.providers.token_checks import LEEWAY_SECONDS, TokenRefused

PROVIDER = "provider"
SECOND_FACTOR = "second-factor"

MAX_VALUES: Final = 100
MAX_GROUPS: Final = 1_000
MAX_CHARACTERS: Final = 256


class GroupsIncomplete(EntryIncomplete):
    """The provider gave a part of somebody's groups, and no way to the rest that is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How somebody proved at the provider who they are.

    Attributes:
        factors: `provider`, and `second-factor` where the organisation's settings trust the
            provider's word for it and it says when.
        second_factor_at: when that was.
    """

    factors: frozenset[str]
    second_factor_at: datetime | None


def provider_directory_id(issuer: str, subject: str) -> str:
    """Give the immutable id of a person at a provider (ASVS 6.8.1: issuer and `sub`)."""
    named = json.dumps([issuer, subject]).encode("ascii")
    return f"oidc-{hashlib.sha256(named).hexdigest()}"


def has_more_groups(claims: Mapping[str, Any], settings: ProviderSettings) -> bool:
    """Tell whether the provider says that it did not put all groups into these claims."""
    name = settings.claims.groups
    if not name:
        return False
    elsewhere = claims.get("_claim_names", {})
    if not isinstance(elsewhere, dict):
        return True
    return name in elsewhere or claims.get("hasgroups") not in (None, False)


def without_groups(claims: Mapping[str, Any], groups: str) -> Mapping[str, Any]:
    """Give claims without what they say of groups, of which they do not have all."""
    gone = {groups, "_claim_names", "_claim_sources", "hasgroups"}
    return {name: value for name, value in claims.items() if name not in gone}


def person_from(claims: Mapping[str, Any], settings: ProviderSettings) -> DirectoryPerson:
    """Describe a person.

    Args:
        claims: checked, of the ID token and, where that was asked, of userinfo.
        settings: of the provider they came from.

    Raises:
        GroupsIncomplete: if groups are asked for and these are not all.
        EntryIncomplete: if a claim is not of its kind.
    """
    names = settings.claims
    if has_more_groups(claims, settings):
        message = "provider: the person has more groups than the provider gave"
        raise GroupsIncomplete(message)
    username = _one(claims, names.username)
    return DirectoryPerson(
        directory_id=provider_directory_id(settings.issuer, claims["sub"]),
        username=username or _one(claims, names.employee_number),
        name=_one(claims, names.name) or username,
        employee_number=_one(claims, names.employee_number),
        posts=_several(claims, names.post, MAX_VALUES),
        unit=_one(claims, names.unit),
        mail=_address(_one(claims, names.mail)),
        groups=_groups(claims, names.groups),
    )


def proof_from(claims: Mapping[str, Any], settings: ProviderSettings, at: datetime) -> Proof:
    """Tell how the person signed in there.

    A second factor counts from when it was shown. A provider that does not say when is not trusted
    for it: its own session may be a day old. One whose clock is ahead of ours shows it now: a time
    to come would either count for longer than it may, or not at all until then.

    Args:
        claims: checked, of the ID token.
        settings: of the provider.
        at: now.
    """
    shown = settings.trusted_amr.intersection(claims.get("amr", ())) or (
        claims.get("acr") in settings.trusted_acr
    )
    signed_in_at = claims.get("auth_time")
    if not shown or not isinstance(signed_in_at, int):
        return Proof(factors=frozenset({PROVIDER}), second_factor_at=None)
    if signed_in_at > at.timestamp() + LEEWAY_SECONDS:
        raise TokenRefused("token: `auth_time` is in the future")
    return Proof(
        factors=frozenset({PROVIDER, SECOND_FACTOR}),
        second_factor_at=min(datetime.fromtimestamp(signed_in_at, UTC), at),
    )


def _one(claims: Mapping[str, Any], name: str) -> str:
    """Give a claim that is one text; empty where there is none.

    Raises:
        EntryIncomplete: where it is something else, such as a number or a list.
    """
    value = claims.get(name) if name else None
    if value is None:
        return ""
    if not isinstance(value, str) or not _is_sane(value):
        message = f"provider: the claim `{name}` is not one plain text"
        raise EntryIncomplete(message)
    return value.strip()


def _several(claims: Mapping[str, Any], name: str, most: int) -> frozenset[str]:
    value = claims.get(name) if name else None
    listed = [value] if isinstance(value, str) else [] if value is None else value
    if (
        not isinstance(listed, list)
        or len(listed) > most
        or not all(isinstance(each, str) and _is_sane(each) for each in listed)
    ):
        message = f"provider: the claim `{name}` is not a list of plain texts"
        raise EntryIncomplete(message)
    return frozenset(each.strip() for each in listed if each.strip())


def _groups(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """Give the groups; a text in place of the list is refused, as it may be a part of it."""
    if name and name in claims and not isinstance(claims[name], list):
        message = f"provider: the claim `{name}` is not a list"
        raise GroupsIncomplete(message)
    return _several(claims, name, MAX_GROUPS)


def _address(mail: str) -> str:
    """Give an e-mail address with exactly one `@`, or none: two have two readings."""
    local, _, domain = mail.partition("@")
    return mail if local and domain and "@" not in domain and " " not in mail else ""


def _is_sane(value: str) -> bool:
    return len(value) <= MAX_CHARACTERS and is_plain(value)
