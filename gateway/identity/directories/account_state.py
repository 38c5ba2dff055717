"""Whether an account may be used: read from its entry, and from how a directory refuses it.

Two things are kept apart. What an *entry* says holds whoever asks. What the *answer to a password*
says may be told to the person only if the directory gives it for the right password alone:

| answer | right password only |
|---|---|
| domain, `data 533` disabled, `701` expired, `532` password expired, `773` must change it | yes |
| domain, `data 775` locked | no: it is given for wrong passwords too |
| password policy control (draft-behera-ldap-password-policy): expired, to be changed | yes |
| the same: locked | no |
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.errors import DirectoryMisconfigured
from gateway.identity.directories.directory import AccountState
from gateway.identity.directories.ldap_link import Entry, Judgement

DOMAIN_ATTRIBUTES = (
    "userAccountControl",
    "msDS-User-Account-Control-Computed",
    "accountExpires",
)
POLICY_ATTRIBUTES = ("pwdAccountLockedTime", "pwdReset", "nsAccountLock", "shadowExpire")

# Bits of userAccountControl and of its computed sister (MS-ADTS 2.2.16).
_ACCOUNT_DISABLED = 0x2
_LOCKED_OUT = 0x10
_PASSWORD_EXPIRED = 0x800000

_NEVER = frozenset({0, 0x7FFF_FFFF_FFFF_FFFF})
_EPOCH_DIFFERENCE = 116_444_736_000_000_000  # 1601 to 1970, in steps of 100 ns
_DAY_NS = 86_400 * 10**9

_DOMAIN_CODE = re.compile(r"\bdata ([0-9a-f]{3,4})\b", re.IGNORECASE)
_FOR_EVER = b"000001010000Z"  # locked until an administrator unlocks it

# Numbers of the password policy's response control.
_PASSWORD_IS_EXPIRED, _IS_LOCKED, _CHANGE_AFTER_RESET = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """Why an account is closed, and whether the password was shown to be right."""

    state: AccountState
    known_password: bool


_BY_DOMAIN_CODE = {
    "533": Closure(state=AccountState.DISABLED, known_password=True),
    "701": Closure(state=AccountState.EXPIRED, known_password=True),
    "532": Closure(state=AccountState.MUST_CHANGE_PASSWORD, known_password=True),
    "773": Closure(state=AccountState.MUST_CHANGE_PASSWORD, known_password=True),
    "775": Closure(state=AccountState.LOCKED, known_password=False),
}
_BY_POLICY_ERROR = {
    _PASSWORD_IS_EXPIRED: Closure(state=AccountState.MUST_CHANGE_PASSWORD, known_password=True),
    _IS_LOCKED: Closure(state=AccountState.LOCKED, known_password=False),
    _CHANGE_AFTER_RESET: Closure(state=AccountState.MUST_CHANGE_PASSWORD, known_password=True),
}


def closure_by_domain(judgement: Judgement) -> Closure | None:
    """Read why a domain refused a password, if it says more than that it is wrong."""
    code = _DOMAIN_CODE.search(judgement.diagnostic)
    return _BY_DOMAIN_CODE.get(code[1].lower()) if code and not judgement.accepted else None


def closure_by_policy(judgement: Judgement) -> Closure | None:
    """Read what a password policy says beside the answer, be it yes or no."""
    return _BY_POLICY_ERROR.get(-1 if judgement.policy_error is None else judgement.policy_error)


def state_in_domain(entry: Entry, at_ns: int) -> AccountState | None:
    """Read the state of an account of Active Directory; None if it may be used.

    Args:
        entry: with `DOMAIN_ATTRIBUTES`.
        at_ns: the instant, in nanoseconds since 1970.

    Raises:
        DirectoryMisconfigured: if the entry does not show its state to who asks.
    """
    control = _number(entry, "useraccountcontrol")
    if control is None:
        message = "directory: the account to search with may not read userAccountControl"
        raise DirectoryMisconfigured(message)
    computed = _number(entry, "msds-user-account-control-computed") or 0
    expires = _number(entry, "accountexpires") or 0
    if control & _ACCOUNT_DISABLED:
        return AccountState.DISABLED
    if expires not in _NEVER and expires <= at_ns // 100 + _EPOCH_DIFFERENCE:
        return AccountState.EXPIRED
    if (control | computed) & _LOCKED_OUT:
        return AccountState.LOCKED
    if computed & _PASSWORD_EXPIRED:
        return AccountState.MUST_CHANGE_PASSWORD
    return None


def state_by_policy(entry: Entry, at_ns: int) -> AccountState | None:
    """Read the state of an account of another directory; None if it may be used, as far as shown.

    Args:
        entry: with `POLICY_ATTRIBUTES`, each of which may be missing.
        at_ns: the instant, in nanoseconds since 1970.
    """
    locked = entry.get("pwdaccountlockedtime", [])
    expires = _number(entry, "shadowexpire")  # days since 1970 (RFC 2307)
    if _FOR_EVER in locked or _is_true(entry.get("nsaccountlock", [])):
        return AccountState.DISABLED
    if expires is not None and expires >= 0 and expires * _DAY_NS <= at_ns:
        return AccountState.EXPIRED
    if locked:
        return AccountState.LOCKED
    if _is_true(entry.get("pwdreset", [])):
        return AccountState.MUST_CHANGE_PASSWORD
    return None


def _number(entry: Entry, name: str) -> int | None:
    values = entry.get(name, [])
    try:
        return int(values[0]) if len(values) == 1 else None
    except ValueError:
        return None


def _is_true(values: Sequence[bytes]) -> bool:
    return any(value.lower() == b"true" for value in values)
