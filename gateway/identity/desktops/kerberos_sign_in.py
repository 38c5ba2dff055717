"""Signing in with the ticket of a desktop that is joined to a domain, step by step.

1. The organisation accepts tickets.
2. What is shown has one reading, and holds (`tickets`, `kerberos`).
3. It is of a person, of a realm that is listed.
4. There is a place at the organisation's directory, which knows that name as exactly one person
   and lets the account be used: a ticket outlives the account it was given to by hours.
5. From there on as every sign-in (`SignIn.admit`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.errors import WrongCredentials
from gateway.identity.desktops.tickets import Accepts, TicketRefused, person_of, read_token
from gateway.identity.directories.directory import (
    AccountClosed,
    DirectoryBusy,
    DirectoryPerson,
    EntryIncomplete,
    UnknownPerson,
)
from gateway.identity.directories.door import GRACE_SECONDS, Door
from gateway.identity.signing_in.sign_in import SignedIn, SignIn, Vouched
from gateway.identity.signing_in.sign_in_refusal import Refusal, refusal_of

FACTORS: Final = frozenset({"kerberos"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketDoor:
    """An organisation's directory, and who judges the tickets of its people.

    Attributes:
        door: the same at which they type their password.
        acceptor: judges tickets.
        realms: whose people may come.
        qualified: whether the directory finds people by `name@realm`, not by the name alone.
    """

    door: Door
    acceptor: Accepts
    realms: tuple[str, ...]
    qualified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketArrival:
    """Somebody who has signed in, and what proves the gateway to their browser."""

    signed_in: SignedIn
    answer: bytes


class KerberosSignIn:
    """Signs people in by their tickets. Blocks; safe to use from several threads."""

    def __init__(self, *, doors: Mapping[str, TicketDoor], sign_in: SignIn) -> None:
        """Take what is needed; `doors` by the id of the organisation."""
        self._doors = doors
        self._sign_in = sign_in

    def sign_in(
        self,
        organisation: str,
        authorization: str,
        *,
        source: str,
        agent: str,
        at: datetime,
        replaces: str | None = None,
        record: Callable[[SignedIn], None] | None = None,
    ) -> TicketArrival:
        """Sign somebody in.

        Args:
            organisation: id of the organisation chosen; any text.
            authorization: the field of that name; any text.
            source: the address they came from.
            agent: what their browser calls itself.
            at: now.
            replaces: what the browser sent as session cookie; that session is ended.
            record: makes the sign-in durable, as in `SignIn.admit`.

        Raises:
            SignInRefused: always a `Refusal`.
            DirectoryUnavailable, DirectoryMisconfigured: the directory cannot answer now.
            StoreError: the database cannot.
        """
        # 1.
        known = self._doors.get(organisation)
        if known is None:
            raise Refusal("unknown-organisation", tellable=True)
        # 2. and 3.
        try:
            presented = known.acceptor.accept(read_token(authorization))
            name, realm = person_of(presented.principal, known.realms)
        except TicketRefused as error:
            raise Refusal(error.code, tellable=True) from error
        # 4.
        person = _look_up(known, name, realm)
        # 5.
        vouched = Vouched(
            organisation=organisation,
            directory=known.door.id,
            person=person,
            factors=FACTORS,
            source=source,
            agent=agent,
            linked=known.door.linked,
        )
        signed_in = self._sign_in.admit(vouched, at=at, replaces=replaces, record=record)
        return TicketArrival(signed_in=signed_in, answer=presented.answer)


def _look_up(known: TicketDoor, name: str, realm: str) -> DirectoryPerson:
    """Find whom a ticket is of. It proves who they are, so they may be told what is wrong."""
    door = known.door
    wanted = f"{name}@{realm}" if known.qualified else name
    try:
        return door.bulkhead.run(
            lambda: door.directory.look_up_name(wanted, door.budget_seconds),
            timeout_seconds=door.budget_seconds + GRACE_SECONDS,
        )
    except DirectoryBusy as error:
        raise Refusal("busy", tellable=True) from error
    except EntryIncomplete as error:
        raise Refusal("entry-incomplete", tellable=True, username=name) from error
    except UnknownPerson as error:
        raise Refusal("unknown-person", tellable=True, username=name) from error
    except AccountClosed as error:
        code = f"account-{error.state}"
        raise Refusal(code, tellable=True, username=error.username or name) from error
    except WrongCredentials as error:
        raise refusal_of(error) from error
