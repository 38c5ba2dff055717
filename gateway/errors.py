"""The errors of the gateway: one family, drawn here.

    GatewayError
    ├── SettingsError           the settings file does not hold; carries every fault at once
    ├── CommandError            a command was refused, or cannot do what it was asked
    ├── ServeError              the service cannot start, such as when its port is in use
    ├── KeysError               the key directory is missing, open to others, or damaged
    ├── StoreError              the database cannot be opened, or its schema is unknown
    ├── RecordError             the record
    │   ├── RecordUnavailable   an entry was not made durable in time: nothing may be sent on
    │   └── RecordDamaged       what is on the disk is not what was written
    ├── IdentityError           who is asking
    │   ├── DirectoryError      an organisation's directory
    │   │   ├── WrongCredentials
    │   │   ├── DirectoryUnavailable
    │   │   └── DirectoryMisconfigured
    │   ├── IdentityChanged     an employee number came back under another identity
    │   ├── NotEmployed         the register has no membership of theirs that is in force
    │   └── SignInRefused       a sign-in was refused, with a code that may be told
    ├── MailError               the mail server took no mail
    ├── RequestError            a request with no single meaning
    ├── NotCurrent              the bulletin has not been read lately: nothing may be permitted
    └── UpstreamError           the back office did not answer, or answered what cannot be passed on

A module that needs more detail derives from the nearest of these and lives beside its subject.
Messages are lower case with no full stop, the phase first, outside input in backticks.
The names without "Error" are states of the world that callers tell apart, and read better so.
"""

# ruff: noqa: N818

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vetting.toml_source import Fault


class GatewayError(Exception):
    """Stand at the root of every error the gateway raises on purpose."""


class SettingsError(GatewayError):
    """The settings file does not hold.

    Attributes:
        faults: every fault found, in the order of the file.
    """

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


class CommandError(GatewayError):
    """A command was refused, or cannot do what it was asked; the message says what to do."""


class ServeError(GatewayError):
    """The service cannot start."""


class KeysError(GatewayError):
    """The key directory is missing, open to others, or damaged."""


class StoreError(GatewayError):
    """The database cannot be opened, or its schema is not one this program knows."""


class RecordError(GatewayError):
    """Something is wrong with the record."""


class RecordUnavailable(RecordError):
    """An entry was not made durable in time, so nothing may be sent on."""


class RecordDamaged(RecordError):
    """What is on the disk is not what was written."""


class IdentityError(GatewayError):
    """It could not be established who is asking."""


class DirectoryError(IdentityError):
    """An organisation's directory did not vouch for the person."""


class WrongCredentials(DirectoryError):
    """The directory does not know this name with this password."""


class DirectoryUnavailable(DirectoryError):
    """The directory did not answer as the one that was meant; detail for operators."""


class DirectoryMisconfigured(DirectoryError):
    """The directory answered, but the settings do not fit it; detail for operators."""


class IdentityChanged(IdentityError):
    """An employee number came back under another identity of the directory."""


class NotEmployed(IdentityError):
    """The host's register has no membership of this person that is in force."""


class SignInRefused(IdentityError):
    """A sign-in was refused.

    Attributes:
        code: why, from the closed list of sign-in codes.
        tellable: whether the person may be told that code.
    """

    def __init__(self, code: str, *, tellable: bool) -> None:
        self.code = code
        self.tellable = tellable
        super().__init__(f"sign-in: {code}")


class MailError(GatewayError):
    """The mail server took no mail."""


class RequestError(GatewayError):
    """A request has no single meaning, and is refused before anything is asked about it."""


class SecondFactorOwed(GatewayError):
    """Somebody was vouched for, and their organisation asks for a second factor too.

    Nobody is signed in yet: the sign-in is kept as a stage (`gateway.identity.signing_in.stages`).

    Attributes:
        token: of the stage, for the browser's cookie and nothing else.
        staff_id: who is signing in.
        address: the same as people name them.
        next_path: where they were going, if that is known here alone.
    """

    next_path = ""

    def __init__(self, token: str, *, staff_id: str, address: str) -> None:
        super().__init__("sign-in: a second factor is owed")
        self.token, self.staff_id, self.address = token, staff_id, address


class NotCurrent(GatewayError):
    """The bulletin has not been read for too long, so nothing may be permitted."""


class PolicyChangeRefused(GatewayError):
    """A change of the policy set in force cannot be made, or not by this person."""


class UpstreamError(GatewayError):
    """The back office did not answer, or answered what cannot be passed on."""
