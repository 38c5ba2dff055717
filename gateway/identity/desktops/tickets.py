"""What a browser shows of a Kerberos ticket: read strictly, and what an accepted one says.

Nothing here knows the Kerberos library, so that a gateway without the extra `kerberos` has it too.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from gateway.errors import IdentityError

MAX_TOKEN_CHARACTERS: Final = 64_000
"""Of base64; beside it the rest of the head must fit into the front's own limit (64 KiB)."""

# The one person a ticket may be of: no service (`/`), no escape (`\`), nothing unseen.
_PRINCIPAL: Final = re.compile(r"([^@/\\\s\x00-\x1f\x7f]{1,256})@([A-Za-z0-9.-]{1,255})")
_SCHEME: Final = "negotiate"
# How every first token of SPNEGO begins, after its own length (RFC 2743 3.1, RFC 4178 4.2).
_SPNEGO: Final = bytes.fromhex("06062b0601050502")
_APPLICATION: Final = 0x60
_NTLM: Final = b"NTLMSSP\0"


class TicketRefused(IdentityError):  # noqa: N818  # named for what happened, as its family is
    """What was shown is no ticket that signs anybody in.

    Attributes:
        code: why, for the record: `ticket-malformed`, `ticket-ntlm`, `ticket-refused`,
            `ticket-expired`, `ticket-replayed`, `ticket-clock` (shown too late, or by a clock that
            differs), `ticket-incomplete`, `ticket-of-elsewhere`, `ticket-of-no-person`.
    """

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        super().__init__(f"ticket: {detail}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KerberosSettings:
    """How an organisation's tickets are accepted.

    Attributes:
        keytab_file: holds the key of the service, for its owner's eyes alone.
        service: the gateway's own name there, as `HTTP@host`.
        realms: whose people may come.
        replay_folder: where tickets already shown are remembered; of this account alone.
    """

    keytab_file: Path
    service: str
    realms: tuple[str, ...]
    replay_folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """A ticket that was accepted.

    Attributes:
        principal: whom the domain controller gave it to, as `name@REALM`.
        answer: proves the gateway to the browser; may be empty.
    """

    principal: str
    answer: bytes


class Accepts(Protocol):
    """Judges tokens with the key of one service."""

    def accept(self, token: bytes) -> Presented:
        """Judge a token.

        Raises:
            TicketRefused: it does not hold.
            DirectoryMisconfigured: the key cannot be used.
        """
        ...


def read_token(authorization: str) -> bytes:
    """Give what `Authorization: Negotiate …` holds, which must have one reading.

    Raises:
        TicketRefused: it is no first token of a negotiation.
    """
    scheme, _, text = authorization.partition(" ")
    if scheme.casefold() != _SCHEME:
        raise TicketRefused("ticket-malformed", "not of the scheme Negotiate")
    if not 0 < len(text) <= MAX_TOKEN_CHARACTERS:
        raise TicketRefused("ticket-malformed", f"{len(text)} characters long")
    try:
        token = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise TicketRefused("ticket-malformed", "not base64") from error
    if base64.b64encode(token).decode("ascii") != text:
        raise TicketRefused("ticket-malformed", "not the one base64 of anything")
    if _NTLM in token:
        # Also within SPNEGO: such a browser has no ticket, and NTLM can be passed on by others.
        raise TicketRefused("ticket-ntlm", "NTLM instead of Kerberos")
    if token[:1] != bytes([_APPLICATION]) or _SPNEGO not in token[:16]:
        raise TicketRefused("ticket-malformed", "not the beginning of a negotiation")
    return token


def person_of(principal: str, realms: tuple[str, ...]) -> tuple[str, str]:
    """Give the name and the realm of a principal.

    Args:
        principal: as the ticket has it.
        realms: whose people may come; upper and lower case differ, as they do in Kerberos.

    Raises:
        TicketRefused: it is no person's, or of another realm.
    """
    found = _PRINCIPAL.fullmatch(principal)
    if found is None:
        raise TicketRefused("ticket-of-no-person", "of a service, or of nobody")
    if found[2] not in realms:
        raise TicketRefused("ticket-of-elsewhere", "of a realm that is not listed")
    return found[1], found[2]
