"""Codes of an authenticator app (TOTP, RFC 6238): made, shown for enrolment, and verified.

Nothing here keeps state. Whoever verifies keeps the step that `verify_totp` gave back, in the same
transaction that lets the person on, and hands it in the next time: so each code is used once.
"""

from __future__ import annotations

import hmac
import re
from datetime import UTC, datetime
from typing import Final

import pyotp

STEP_SECONDS: Final = 30
DRIFT_STEPS: Final = 1
"""How many steps the app's clock may be off, either way."""

NO_STEP: Final = -1
"""The last step of a secret with which no code has been used yet."""

_SECRET_CHARACTERS: Final = 32  # base 32: 160 bits, as RFC 4226 section 4 recommends
_CODE: Final = re.compile(r"[0-9]{6}")
_SPACES: Final = re.compile(r"[\s-]+")


def new_secret() -> str:
    """Make a secret for an authenticator app, in base 32."""
    return pyotp.random_base32(_SECRET_CHARACTERS)


def spaced(secret: str) -> str:
    """Write a secret in groups of four, for people who type it."""
    return " ".join(secret[place : place + 4] for place in range(0, len(secret), 4))


def provisioning_uri(secret: str, *, account: str, service: str) -> str:
    """Give the `otpauth:` address that apps read from a QR code.

    Args:
        secret: as `new_secret` made it.
        account: whose it is, such as `firefighter@cheshire-fire`.
        service: for what; apps show it first.
    """
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=service)


def totp_step(at: datetime) -> int:
    """Give the time step of an instant: 30 s long, counted from 1970 UTC."""
    return int(at.astimezone(UTC).timestamp()) // STEP_SECONDS


def totp_code(secret: str, step: int) -> str:
    """Give the code of a step."""
    return pyotp.TOTP(secret).generate_otp(step)


def plain_code(typed: str) -> str:
    """Give a typed code without the spaces and hyphens that people put in."""
    return _SPACES.sub("", typed[:64])


def verify_totp(secret: str, code: str, *, at: datetime, last_step: int) -> int | None:
    """Tell whether a code is right now, and has not been used.

    Every step within the drift is compared, in constant time, whether or not one has matched.

    Args:
        secret: in base 32.
        code: as typed; any text. Empty or malformed is wrong.
        at: now.
        last_step: of the last code used with this secret, `NO_STEP` before the first. A code of
            that step or an earlier one is wrong.

    Returns:
        The step of the code, to be kept as `last_step`; None if the code is wrong.
    """
    typed = plain_code(code)
    if not secret or _CODE.fullmatch(typed) is None:
        return None
    now = totp_step(at)
    matched = None
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        if step < 0:
            continue
        same = hmac.compare_digest(totp_code(secret, step).encode(), typed.encode())
        if same and step > last_step:
            matched = step
    return matched
