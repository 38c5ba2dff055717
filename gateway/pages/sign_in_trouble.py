"""What a person is told when a sign-in did not go well, whichever way they took.

Only what may be told is told: the rest is one and the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import (
    DirectoryMisconfigured,
    DirectoryUnavailable,
    GatewayError,
    SignInRefused,
)

if TYPE_CHECKING:
    from gateway.pages.page_services import OrganisationChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that the person cannot correct: what it is, and what they can do."""

    heading: str
    sentences: tuple[str, ...]


def trouble_of(error: GatewayError, choice: OrganisationChoice) -> tuple[int, Trouble] | None:
    """Give the status and what is told; None where only the credentials were wrong.

    Args:
        error: what ended the sign-in.
        choice: the organisation it was at.
    """
    match error:
        case DirectoryUnavailable() | DirectoryMisconfigured():
            return 503, _directory_away(choice)
        case SignInRefused(tellable=True, code=code) if code in _TOLD:
            status, heading, sentence = _TOLD[code]
            sentences = (sentence, f"Ask: {choice.help_contact}")
            return status, Trouble(heading=heading, sentences=sentences)
        case SignInRefused():
            return None
        case _:
            return 503, NOT_NOW


def _directory_away(choice: OrganisationChoice) -> Trouble:
    if not choice.takes_password:
        return Trouble(
            heading=f"{choice.name} cannot sign anybody in just now",
            sentences=(
                "We could not reach your organisation's own sign-in.",
                f"Try again in a few minutes. If it lasts, ask: {choice.help_contact}",
            ),
        )
    return Trouble(
        heading=f"{choice.name} cannot check passwords just now",
        sentences=(
            "We could not reach your organisation's directory, so nobody from it can sign in now.",
            "Your password may well be right.",
            f"Try again in a few minutes. If it lasts, ask: {choice.help_contact}",
        ),
    )


NOT_NOW = Trouble(
    heading="Nobody can sign in just now",
    sentences=(
        "A part of this service that must be working is not, so we let nobody in.",
        "Your password may well be right. Try again in a few minutes.",
    ),
)

# What may be told of a refused sign-in, by its code: status, heading, sentence.
_TOLD = {
    "too-many-attempts": (
        429,
        "Too many attempts",
        "Wait a few minutes before you try again. Trying more often makes the wait longer.",
    ),
    "busy": (
        503,
        "Many people are signing in just now",
        "Your organisation's directory is busy. Try again in a minute.",
    ),
    "account-disabled": (
        403,
        "Your account is switched off",
        "Your password is right, but your organisation has switched your account off.",
    ),
    "account-expired": (
        403,
        "Your account has expired",
        "Your password is right, but your organisation let your account run to a day that is past.",
    ),
    "account-must-change-password": (
        403,
        "You must choose a new password",
        "Your password is right, but must be changed first, as for your computer at work.",
    ),
    "entry-incomplete": (
        403,
        "Your directory entry is not complete",
        "Your organisation's directory does not say enough that can be kept, such as your number.",
    ),
    "not-employed": (
        403,
        "You are not on this organisation's list",
        "You may have moved: sign in with the organisation you work for today.",
    ),
    "identity-changed": (
        403,
        "Your details do not match",
        "Your organisation's directory now has somebody else under your employee number.",
    ),
    "sign-in-over": (
        400,
        "This sign-in has ended",
        "It took more than ten minutes, or was begun in another browser. Begin again.",
    ),
    "callback-malformed": (
        400,
        "This sign-in could not be finished",
        "What your organisation's sign-in sent back could not be read. Begin again.",
    ),
    "provider-refused": (
        403,
        "Your organisation did not sign you in",
        "You may have broken it off there, or may not use this service from there. Begin again.",
    ),
    "provider-answer-refused": (
        403,
        "Your organisation's answer could not be trusted",
        "What its sign-in sent back does not hold, so nobody was signed in. Begin again.",
    ),
    "groups-incomplete": (
        403,
        "Your directory entry is not complete",
        "Your organisation's sign-in did not give all the groups that you are in.",
    ),
}
