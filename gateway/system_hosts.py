"""Systems of the back office that staff reach at a host of their own, and the ways between hosts.

The gateway has one origin, where people sign in and where all its pages are. A system whose paths
are those of another, or that knows no address but its own, has a host besides (`public_host` in the
settings): there, nothing is served but that system. Who has no session there is led to the
gateway's origin and back, as this module writes the addresses:

    host      /-/sign-on?to=ADDRESS               begins: ties what follows to this browser
    gateway   /-/sign-on/SYSTEM?to=ADDRESS.HASH   gives a ticket to whoever is signed in
    host      /-/sign-on?to=ADDRESS.TICKET        takes it, and goes on to the address

`/-/sign-on/SYSTEM?to=ADDRESS` alone leads to that address: it is how the gateway's pages name a
place at another host, as they take nothing for a next page but a path of theirs. An address is
written in base64url, so that nothing in it is taken for a parameter on the way.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

SIGN_ON: Final = "/-/sign-on"
CONTINUE: Final = "/-/step-up/continue"
"""The one page of the gateway that a system's host shows: a form that waited is sent from there, as
no other origin may send one."""

LONGEST_NEXT: Final = 7_700
"""Characters of the longest path that the gateway's pages go on to: with what is written around it,
it fits into a target (8,192). That is the only place where an address is carried, so that nobody
who is not signed in has us keep anything."""

_HASH_AND_DOT: Final = 65


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemHost:
    """The host of one system.

    Attributes:
        system: as the catalogue names it.
        origin: such as `https://fleet.gate.example`, with the port where it is not the scheme's.
        main: the gateway's own origin.
    """

    system: str
    origin: str
    main: str

    @property
    def authority(self) -> str:
        """The host, with its port where that is told: the value of `Host`."""
        return self.origin.partition("://")[2]

    def at_main(self, path: str) -> str:
        """Give the address of a page of the gateway, which is not here."""
        return self.main + path

    def begin(self, sent: str) -> str:
        """Give where signing on begins, for an address of this host."""
        return f"{SIGN_ON}?to={_written(sent)}"

    def way_back(self, sent: str) -> str:
        """Give the path of the gateway that leads to an address of this host."""
        return f"{SIGN_ON}/{self.system}?to={_written(sent)}"

    def ask(self, sent: str, browser: str) -> str:
        """Give where a browser asks for a ticket.

        Args:
            sent: the address of this host that it goes on to.
            browser: what it is known by; see `gateway.identity.sessions.host_tickets`.
        """
        return f"{self.main}{self.way_back(sent)}.{browser}"

    def take(self, sent: str, ticket: str) -> str:
        """Give where a browser takes a ticket to."""
        return f"{self.origin}{self.begin(sent)}.{ticket}"


def can_be_led_back(sent: str, host: SystemHost | None) -> bool:
    """Tell whether an address is short enough to be carried through signing in.

    At the gateway's own host that is so up to 7,700 characters as written into another address, at
    a system's up to about 5,700.
    """
    written = sent if host is None else host.way_back(sent)
    more = 0 if host is None else _HASH_AND_DOT
    return len(quote(written, safe="")) + more <= LONGEST_NEXT


def parts_of(to: str) -> tuple[str, str]:
    """Give the address that `to` holds, and what stands behind it; that is empty most often.

    The address is outside input still.

    Raises:
        ValueError: it holds none.
    """
    written, _, rest = to.partition(".")
    try:
        sent = base64.b64decode(written + "=" * (-len(written) % 4), altchars=b"-_", validate=True)
        return sent.decode("ascii"), rest
    except ValueError as error:  # not base64url, or not ASCII in it
        message = "sign-on: no address"
        raise ValueError(message) from error


def _written(sent: str) -> str:
    return base64.urlsafe_b64encode(sent.encode("ascii")).rstrip(b"=").decode("ascii")
