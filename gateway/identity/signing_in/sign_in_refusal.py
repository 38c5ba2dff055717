"""Why a sign-in was refused: the closed list of codes, and which of them the person may be told."""

from __future__ import annotations

from gateway.errors import (
    DirectoryMisconfigured,
    DirectoryUnavailable,
    GatewayError,
    SignInRefused,
    StoreError,
    WrongCredentials,
)
from gateway.identity.directories.directory import (
    AccountClosed,
    DirectoryUntrusted,
    GuessingStopped,
    MalformedCredentials,
    UnknownPerson,
    WrongPassword,
)


class Refusal(SignInRefused):
    """A sign-in was refused.

    Attributes:
        code: why, for the record: one of `unknown-organisation`, `credentials-malformed`,
            `unknown-person`, `wrong-password`, `too-many-attempts`, `busy`, `identity-changed`,
            `entry-incomplete`, `not-employed`, `account-disabled`, `account-locked`,
            `account-expired`, `account-must-change-password`; through a provider `sign-in-over`,
            `callback-malformed`, `provider-refused`, `provider-answer-refused`,
            `groups-incomplete`; with a ticket those of `TicketRefused` and
            `unknown-person`.
        tellable: whether the person may be told that code. What may not be told is told as one
            thing: name or password is wrong.
        username: as the directory spells it, where it is known; else empty.
    """

    def __init__(self, code: str, *, tellable: bool, username: str = "") -> None:
        self.username = username
        super().__init__(code, tellable=tellable)


def refusal_code(error: GatewayError) -> str:
    """Give the code under which a failed sign-in is recorded, whichever error ended it."""
    match error:
        case SignInRefused():
            return error.code
        case DirectoryUntrusted():
            return "directory-untrusted"
        case DirectoryUnavailable():
            return "directory-unavailable"
        case DirectoryMisconfigured():
            return "directory-misconfigured"
        case StoreError():
            return "store-unavailable"
        case _:
            return "sign-in-failed"


def shows_password(error: WrongCredentials) -> bool:
    """Tell whether the password was right nevertheless: such an attempt is no guess."""
    return isinstance(error, AccountClosed) and error.known_password


def refusal_of(error: WrongCredentials) -> Refusal:
    """Give the refusal that a directory's judgement means, and whether it may be told."""
    match error:
        case MalformedCredentials():
            return Refusal("credentials-malformed", tellable=False)
        case WrongPassword():
            return Refusal("wrong-password", tellable=False, username=error.username)
        case AccountClosed():
            return Refusal(
                f"account-{error.state}", tellable=error.known_password, username=error.username
            )
        case UnknownPerson():
            return Refusal("unknown-person", tellable=False)
        case GuessingStopped():
            # By another name of somebody who is locked: telling so would show that both are one.
            return Refusal("too-many-attempts", tellable=False)
        case _:
            return Refusal("wrong-credentials", tellable=True)
