"""What ties our sessions to a provider's own: its tokens, and its word that they are over.

The ID token holds personal data and may be shown to the provider as proof; a refresh token speaks
for the person. Both are encrypted under a key the database does not hold, for one session alone,
and dropped with it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, Engine, delete, insert, select, update

from gateway.identity.providers.provider_claims import provider_directory_id
from gateway.identity.providers.provider_settings import ProviderSettings
from gateway.identity.providers.token_checks import LogoutClaims, TokenRefused
from gateway.identity.sessions.session_ending import living
from gateway.identity.sessions.sessions import Sessions
from gateway.identity.signing_in.sign_in import Vouched
from gateway.identity.signing_in.stages import end_provider_stages
from gateway.identity.staff import Staff, staff_by_id, staff_identified
from gateway.store import schema
from gateway.store.engine import reading, writing

NONCE_BYTES = 12
REASON = "provider-signed-out"

_ID_TOKEN = b"id-token"
_REFRESH_TOKEN = b"refresh-token"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedSession:
    """A session that a provider's word ended, for the record.

    Attributes:
        hash: of the session; empty for a sign-in that still waited for its second factor.
        staff: whose it was.
    """

    hash: str
    staff: Staff | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRefresh:
    """What a provider is asked again with about one session.

    Attributes:
        session_hash: of the session.
        sealed: as the database holds it; empty where it holds none.
        token: the refresh token; None where none can be read.
    """

    session_hash: str
    sealed: str
    token: str | None = field(repr=False)


class ProviderSessions:
    """Keeps the tokens and ends the sessions. Every method blocks; safe for several threads."""

    def __init__(self, engine: Engine, sessions: Sessions, secret: bytes) -> None:
        """Keep in this store, under a key made from `secret` (32 random bytes)."""
        self._engine = engine
        self._sessions = sessions
        self._cipher = AESGCM(
            HKDF(
                algorithm=hashes.SHA256(), length=32, salt=None, info=b"gateway provider token 1"
            ).derive(secret)
        )

    def keep(self, connection: Connection, session_hash: str, vouched: Vouched) -> None:
        """Keep the tokens of a session that a provider vouched for, in its transaction."""
        if not vouched.id_token:
            return
        refresh = vouched.refresh_token
        connection.execute(
            insert(schema.provider_token).values(
                session_hash=session_hash,
                sealed=self._seal(vouched.id_token, _ID_TOKEN),
                refresh=self._seal(refresh, _REFRESH_TOKEN) if refresh else "",
            )
        )

    def refresh_tokens(
        self, directory: str, staff_id: str, *, at: datetime
    ) -> tuple[KeptRefresh, ...]:
        """Give the living sessions that a provider vouched for somebody, with their tokens.

        Raises:
            StoreUnavailable: if the database does not answer.
        """
        session, token = schema.session, schema.provider_token
        with reading(self._engine) as connection:
            rows = connection.execute(
                select(session.c.hash, token.c.refresh)
                .outerjoin(token, token.c.session_hash == session.c.hash)
                .where(
                    living(schema.microseconds(at)),
                    session.c.directory == directory,
                    session.c.staff_id == staff_id,
                )
                .order_by(session.c.started_at_us)
            ).all()
        return tuple(
            KeptRefresh(
                session_hash=row.hash,
                sealed=row.refresh or "",
                token=self._opened(row.refresh or "", _REFRESH_TOKEN),
            )
            for row in rows
        )

    def turn(self, before: KeptRefresh, after: str) -> None:
        """Keep the refresh token that has taken the place of another.

        It is found by what was sealed: the session may have got a new hash meanwhile.
        """
        if before.token == after:
            return
        table = schema.provider_token
        with writing(self._engine) as connection:
            connection.execute(
                update(table)
                .where(table.c.refresh == before.sealed)
                .values(refresh=self._seal(after, _REFRESH_TOKEN))
            )

    def end_over(self, session_hash: str, *, at: datetime) -> bool:
        """End a session for whose sign-in its provider does not vouch any more.

        Returns:
            Whether it was there and had not been ended.
        """
        return self._sessions.end(session_hash, at=at, reason=REASON)

    def take(self, session_hash: str) -> str | None:
        """Give the ID token of a session and drop it; None if there is none that can be read."""
        table = schema.provider_token
        with writing(self._engine) as connection:
            sealed = connection.execute(
                delete(table).where(table.c.session_hash == session_hash).returning(table.c.sealed)
            ).scalar_one_or_none()
        return None if sealed is None else self._opened(sealed, _ID_TOKEN)

    def _seal(self, token: str, kind: bytes) -> str:
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, token.encode(), kind)
        return base64.b64encode(sealed).decode("ascii")

    def _opened(self, sealed: str, kind: bytes) -> str | None:
        try:
            content = base64.b64decode(sealed, validate=True)
            opened = self._cipher.decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], kind)
        except (binascii.Error, InvalidTag, ValueError):
            return None  # the key was rotated since, or somebody wrote to the database
        return opened.decode("utf-8", "replace")

    def end(
        self, settings: ProviderSettings, claims: LogoutClaims, at: datetime
    ) -> tuple[EndedSession, ...]:
        """End the sessions that a checked logout token speaks of, everywhere at once.

        Of one session of the provider if the token names one, else every session that this provider
        has vouched for that person; and what still waits for a second factor there, which would be
        a session in a moment. Sessions of other directories are never ended.

        Raises:
            TokenRefused: if this token was taken before.
            StoreUnavailable: if the database does not answer; the provider may send it again.
        """
        jti_hash = hashlib.sha256(claims.jti.encode()).hexdigest()
        seen, session = schema.provider_logout, schema.session
        with writing(self._engine) as connection:
            if connection.execute(
                select(seen.c.jti_hash).where(
                    seen.c.directory == settings.id, seen.c.jti_hash == jti_hash
                )
            ).one_or_none():
                raise TokenRefused("token: this logout token was taken before")
            statement = select(session.c.hash, session.c.staff_id).where(
                session.c.directory == settings.id, session.c.ended_at_us.is_(None)
            )
            if claims.session is not None:
                statement = statement.where(session.c.provider_session == claims.session)
            staff_id = None
            if claims.subject is not None:
                known_as = provider_directory_id(settings.issuer, claims.subject)
                staff_id = (
                    staff_identified(connection, settings.organisation, settings.id, known_as) or ""
                )
                statement = statement.where(session.c.staff_id == staff_id)
            over = [
                (row.hash, row.staff_id)
                for row in connection.execute(statement).all()
                if self._sessions.end_within(connection, row.hash, at=at, reason=REASON)
            ]
            begun = end_provider_stages(
                connection, settings.id, provider_session=claims.session, staff_id=staff_id
            )
            over += [("", each) for each in begun]
            staff = {whose: staff_by_id(connection, whose) for _, whose in over}
            _note(connection, settings.id, jti_hash, claims.expires_at, at)
        self._sessions.ring()
        return tuple(EndedSession(hash=each, staff=staff[whose]) for each, whose in over)


def _note(
    connection: Connection, directory: str, jti_hash: str, expires_at: int, at: datetime
) -> None:
    table = schema.provider_logout
    # A minute longer than the token lives, as clocks differ.
    late_us = schema.microseconds(at) - 60_000_000
    # However long it says it holds: an old one is refused for its age.
    until_us = min(expires_at * 1_000_000, schema.microseconds(at) + 3_600_000_000)
    connection.execute(delete(table).where(table.c.expires_at_us < late_us))
    connection.execute(
        insert(table).values(directory=directory, jti_hash=jti_hash, expires_at_us=until_us)
    )
