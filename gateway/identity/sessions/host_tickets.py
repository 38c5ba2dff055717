"""Tickets that take a session from the gateway's origin to a system's own host.

Whoever has no session there begins there: the host gives the browser a secret (a cookie of that
host), and sends it to the gateway with the hash of it. The gateway gives whoever is signed in a
ticket for that host and that hash. So a ticket

- is taken once, by whoever comes first, and within half a minute;
- is worth nothing at another host, nor in another browser than the one that began: a link with
  somebody else's ticket signs nobody in, and one that was overheard is of no use;
- ends with its session.

The database holds hashes, and the session's token under a key that only the ticket gives: a copy of
it lets nobody in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Engine, delete, insert, literal, select

from gateway.errors import IdentityError
from gateway.identity.sessions.tokens import is_token, new_token, token_hash
from gateway.store.engine import writing
from gateway.store.schema import host_ticket, microseconds, session

TICKET_LASTS: Final = timedelta(seconds=30)
_BROWSER: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NONCE: Final = bytes(12)  # each key seals one text


class TicketOver(IdentityError):  # noqa: N818  # named for what happened, as its family is
    """There is no such ticket for this host and this browser, or not any more."""


class HostTickets:
    """Gives tickets and takes them. Every method blocks; safe to use from several threads."""

    def __init__(self, engine: Engine, secret: bytes) -> None:
        """Keep them in this store.

        Args:
            engine: the store.
            secret: of the gateway, the same in every worker.
        """
        self._engine = engine
        self._key = hmac.digest(secret, b"gateway host ticket 1", "sha256")

    def give(self, token: str, *, system: str, browser: str, at: datetime) -> str:
        """Give a ticket for the session of `token`.

        Args:
            token: of a living session; the caller has seen to that.
            system: at whose host it is taken.
            browser: the hash by which the browser that began there is known; see `is_browser`.
            at: when.

        Raises:
            TicketOver: the session has just ended, or been given a new token.
            StoreUnavailable: the database does not answer.
        """
        ticket = new_token()
        sealed = AESGCM(self._key_of(ticket)).encrypt(_NONCE, token.encode("ascii"), None)
        values = {
            "hash": token_hash(ticket),
            "system": system,
            "browser_hash": browser,
            "sealed": base64.b64encode(sealed).decode("ascii"),
            "at_us": microseconds(at),
        }
        whose = select(session.c.hash, *map(literal, values.values())).where(
            session.c.hash == token_hash(token), session.c.ended_at_us.is_(None)
        )
        # Whoever loses one in a power cut begins again.
        with writing(self._engine, flushed=False) as connection:
            purge_tickets(connection, at)
            given = insert(host_ticket).from_select(["session_hash", *values], whose)
            if not connection.execute(given).rowcount:
                raise TicketOver("sign-on: the session has ended")
        return ticket

    def take(self, ticket: str, *, system: str, secret: str, at: datetime) -> str:
        """Take a ticket, which is used up by that, for whatever reason it may be refused.

        Args:
            ticket: as the browser brings it; any text.
            system: at whose host it is brought.
            secret: what the browser was given there when it began; any text.
            at: when.

        Returns:
            The session's token; whether the session still lives is for the caller to see.

        Raises:
            TicketOver: it is not one for this host and browser, is used up, or is too old.
            StoreUnavailable: the database does not answer.
        """
        if not is_token(ticket):
            raise TicketOver("sign-on: no ticket of ours")
        with writing(self._engine) as connection:
            row = connection.execute(
                delete(host_ticket)
                .where(host_ticket.c.hash == token_hash(ticket))
                .returning(
                    host_ticket.c.system,
                    host_ticket.c.browser_hash,
                    host_ticket.c.sealed,
                    host_ticket.c.at_us,
                )
            ).one_or_none()
        if row is None:
            raise TicketOver("sign-on: the ticket is used up")
        age = timedelta(microseconds=microseconds(at) - row.at_us)
        mine = hmac.compare_digest(row.browser_hash, browser_of(secret))
        if row.system != system or not mine or not -TICKET_LASTS < age < TICKET_LASTS:
            raise TicketOver("sign-on: the ticket is not for this host and browser, or is too old")
        sealed = base64.b64decode(row.sealed)
        return AESGCM(self._key_of(ticket)).decrypt(_NONCE, sealed, None).decode("ascii")

    def _key_of(self, ticket: str) -> bytes:
        return hmac.digest(self._key, ticket.encode("ascii"), "sha256")


def browser_of(secret: str) -> str:
    """Give the hash by which the browser that holds a secret is known."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def is_browser(text: str) -> bool:
    """Tell whether a text has the form of such a hash."""
    return _BROWSER.fullmatch(text) is not None


def purge_tickets(connection: Connection, at: datetime) -> None:
    """Remove what nobody took in time."""
    connection.execute(
        delete(host_ticket).where(host_ticket.c.at_us <= microseconds(at - TICKET_LASTS))
    )
