"""Signing in: from what was typed to a session, step by step.

1. The organisation is known.
2. Name and password have a form that a directory is shown.
3. Neither this person nor this source has failed too often lately.
4. There is a place at the organisation's directory, and the directory answers in time.
5. The attempt is counted as failed, then the directory judges the password.
6. The employee number is still pinned to this identity.
7. The host's register says what the person holds; the session is opened and the one the browser
   showed is ended, all in one transaction. Where the organisation asks for a second factor at
   sign-in and none was vouched for, a stage is kept in its place and nobody is signed in.
8. The caller records it; if that fails, the session is ended and the token goes nowhere.

An unknown name and a wrong password take the same steps to the same answer. What differs is told
apart in the record only.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from gateway.bulletin import Bulletin, staff_subject
from gateway.errors import (
    DirectoryMisconfigured,
    DirectoryUnavailable,
    IdentityChanged,
    NotEmployed,
    SecondFactorOwed,
    WrongCredentials,
)
from gateway.identity.directories.directory import (
    DirectoryBusy,
    DirectoryPerson,
    EntryIncomplete,
)
from gateway.identity.directories.door import GRACE_SECONDS, Door
from gateway.identity.names import credentials_fault
from gateway.identity.organisations import Organisations
from gateway.identity.sessions.live_session import SubjectReader
from gateway.identity.sessions.session import Session, SessionLimits
from gateway.identity.sessions.sessions import SECOND_FACTOR, Sessions
from gateway.identity.signing_in.attempts import Attempts, TooManyAttempts
from gateway.identity.signing_in.sign_in_refusal import Refusal, refusal_of, shows_password
from gateway.identity.staff import Staff, remember, staff_by_person
from gateway.store.engine import writing
from policies.question import Subject

PASSWORD = frozenset({"password"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A sign-in that succeeded.

    Attributes:
        token: for the browser's cookie and nothing else; it is kept nowhere.
        session: the session it opens.
        staff: who signed in.
        subject: the same with what the host's register says, for the record.
        team_complete: whether the directory gave the whole team.
    """

    token: str
    session: Session
    staff: Staff
    subject: Subject
    team_complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """Somebody who has been vouched for: what a session is opened on.

    Attributes:
        organisation: id of the organisation whose staff they are.
        directory: id of the directory that vouched for them.
        person: as it describes them.
        factors: how they proved who they are, such as `provider`; never empty.
        source: the address they came from.
        provider_session: the id their provider gives its own session (`sid`), or empty.
        second_factor_at: when they showed a second factor, where that is known.
        vouched_at: when the directory vouched for them, if that was not just now.
        agent: what their browser calls itself.
        linked: whether that directory holds the same people as the organisation's others.
        limits: of the session, where they are not everybody's.
        id_token: of their provider, for signing out there; empty without one.
        refresh_token: for asking it again whether they are still there, likewise.
    """

    organisation: str
    directory: str
    person: DirectoryPerson
    factors: frozenset[str]
    source: str
    provider_session: str = ""
    second_factor_at: datetime | None = None
    vouched_at: datetime | None = None
    agent: str = ""
    linked: bool = False
    limits: SessionLimits | None = None
    id_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)


Keep = Callable[[Connection, str, Vouched], None]
"""Keeps what belongs to a new session, named by its hash; the providers' room does it."""
Claim = Callable[[Connection], None]
"""Uses up what a session is opened on, in that transaction; raises where it is gone."""
Hold = Callable[[Connection, Staff, Vouched, datetime], str]
"""Keeps a sign-in that owes a second factor; `gateway.identity.signing_in.stages` does it."""


class SignIn:
    """Signs staff in. Blocks; safe to use from several threads."""

    def __init__(
        self,
        *,
        engine: Engine,
        bulletin: Bulletin,
        organisations: Organisations,
        doors: Mapping[str, Door],
        attempts: Attempts,
        sessions: Sessions,
        subjects: SubjectReader,
        hold: Hold | None = None,
        keep: Keep | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what is needed.

        Args:
            engine: the store.
            bulletin: rung when an older session was ended.
            organisations: whose staff may sign in.
            doors: the directory of each, by organisation id.
            attempts: the count of failures.
            sessions: where sessions are opened.
            subjects: reads the register.
            hold: keeps a sign-in that owes a second factor; without it, who owes one is refused.
            keep: keeps what providers gave with a session.
            monotonic: seconds that never go back.
        """
        self._engine = engine
        self._bulletin = bulletin
        self._organisations = organisations
        self._doors = doors
        self._attempts = attempts
        self._sessions = sessions
        self._subjects = subjects
        self._hold = hold
        self._keep = keep
        self._monotonic = monotonic

    def attempt(
        self,
        *,
        organisation: str,
        username: str,
        password: str,
        source_ip: str,
        at: datetime,
        agent: str = "",
        replaces: str | None = None,
        record: Callable[[SignedIn], None] | None = None,
    ) -> SignedIn:
        """Sign somebody in.

        Args:
            organisation: id of the organisation chosen; any text.
            username: as typed; any text.
            password: as typed; any text.
            source_ip: where the request came from.
            at: now.
            agent: what the browser calls itself; any text.
            replaces: what the browser sent as session cookie; that session is ended.
            record: makes the sign-in durable; what it raises ends the new session and is raised on.

        Raises:
            SecondFactorOwed: the password was right, and the organisation asks for more.
            SignInRefused: always a `Refusal`.
            DirectoryUnavailable, DirectoryMisconfigured: the directory cannot answer now.
            StoreError: the database cannot.
        """
        # 1.
        known = self._organisations.get(organisation)
        door = self._doors.get(organisation)
        if known is None or door is None:
            raise Refusal("unknown-organisation", tellable=True)
        # 2.
        if credentials_fault(username, password) is not None:
            raise Refusal("credentials-malformed", tellable=False)
        # 3. to 5.
        person, tries, seconds = self._ask_directory(
            door, organisation, username, password, source_ip, at
        )
        # 6. to 8. The session begins when the directory has answered, not when it was asked.
        vouched = Vouched(
            organisation=organisation,
            directory=door.id,
            person=person,
            factors=PASSWORD,
            source=source_ip,
            agent=agent,
            linked=door.linked,
        )
        return self._finish(
            vouched, tries, at=at + timedelta(seconds=seconds), replaces=replaces, record=record
        )

    def admit(
        self,
        vouched: Vouched,
        *,
        at: datetime,
        replaces: str | None = None,
        record: Callable[[SignedIn], None] | None = None,
        claim: Claim | None = None,
    ) -> SignedIn:
        """Sign in somebody whom another way than a typed password has vouched for (steps 6 to 8).

        Args:
            vouched: who, by which directory, how proved.
            at: now.
            replaces: what the browser sent as session cookie; that session is ended.
            record: makes the sign-in durable; what it raises ends the new session and is raised on.
            claim: uses up what this is opened on; what it raises lets nobody in.

        Raises:
            SecondFactorOwed: the organisation asks for a second factor, and none is vouched for.
            SignInRefused: always a `Refusal`.
            StoreError: the database does not answer.
        """
        if self._organisations.get(vouched.organisation) is None:
            raise Refusal("unknown-organisation", tellable=True)
        return self._finish(vouched, (), at=at, replaces=replaces, record=record, claim=claim)

    def _finish(
        self,
        vouched: Vouched,
        tries: tuple[int, ...],
        *,
        at: datetime,
        replaces: str | None,
        record: Callable[[SignedIn], None] | None,
        claim: Claim | None = None,
    ) -> SignedIn:
        signed_in = self._open(vouched, tries, at, replaces, claim)
        if isinstance(signed_in, SecondFactorOwed):
            raise signed_in
        if record is not None:
            try:
                record(signed_in)
            except BaseException:
                self._sessions.end(signed_in.session.hash, at=at, reason="not-recorded")
                raise
        return signed_in

    def _owes_factor(self, vouched: Vouched) -> bool:
        organisation = self._organisations.get(vouched.organisation)
        asked = organisation is None or organisation.factor_at_sign_in
        return asked and SECOND_FACTOR not in vouched.factors

    def _held(
        self, connection: Connection, staff: Staff, vouched: Vouched, at: datetime
    ) -> SecondFactorOwed:
        """Keep what has been vouched for; given back and not raised, so that it is committed."""
        if self._hold is None:
            raise Refusal("second-factor-owed", tellable=False, username=staff.username)
        token = self._hold(connection, staff, vouched, at)
        return SecondFactorOwed(token, staff_id=staff.staff_id, address=staff.address)

    def close(self) -> None:
        """Take no more sign-ins."""
        for door in self._doors.values():
            door.bulkhead.close()

    def _ask_directory(
        self,
        door: Door,
        organisation: str,
        username: str,
        password: str,
        source_ip: str,
        at: datetime,
    ) -> tuple[DirectoryPerson, tuple[int, ...], float]:
        """Give the person, the tries it took, and how many seconds it took."""
        tries: list[int] = []
        given_up = threading.Event()

        def count(_username: str, person: str) -> bool:
            if given_up.is_set():
                message = "sign-in: nobody waits for this answer any more"
                raise DirectoryUnavailable(message)
            # A second server asked for the same sign-in is a second try at the directory, but
            # nobody is blamed for the first, which was not answered.
            self._attempts.excuse(*tries)
            begun = self._attempts.begin(
                organisation=organisation, name=username, source=source_ip, at=at, person=person
            )
            tries.append(begun.number)
            return begun.wanted

        def ask() -> DirectoryPerson:
            return door.directory.authenticate(
                username, password, door.budget_seconds, before_bind=count
            )

        started = self._monotonic()
        try:
            self._attempts.check(organisation=organisation, name=username, source=source_ip, at=at)
            person = door.bulkhead.run(ask, timeout_seconds=door.budget_seconds + GRACE_SECONDS)
        except TooManyAttempts as error:
            raise Refusal("too-many-attempts", tellable=True) from error
        except DirectoryBusy as error:
            raise Refusal("busy", tellable=True) from error
        except WrongCredentials as error:
            self._attempts.forget(*(tries if shows_password(error) else ()))
            raise refusal_of(error) from error
        except EntryIncomplete as error:
            self._attempts.forget(*tries)  # the password was right
            raise Refusal("entry-incomplete", tellable=True) from error
        except (DirectoryUnavailable, DirectoryMisconfigured):
            given_up.set()
            self._attempts.excuse(*tries)
            raise
        if not tries:
            message = "sign-in: a directory judged a password without the attempt being counted"
            raise DirectoryMisconfigured(message)
        return person, tuple(tries), self._monotonic() - started

    def _open(
        self,
        vouched: Vouched,
        tries: tuple[int, ...],
        at: datetime,
        replaces: str | None,
        claim: Claim | None,
    ) -> SignedIn | SecondFactorOwed:
        """Open the session, or keep the sign-in that owes more; its tries are taken back."""
        person, organisation = vouched.person, vouched.organisation
        try:
            with writing(self._engine) as connection:
                if claim is not None:
                    claim(connection)
                self._attempts.succeed(connection, *tries)
                before = staff_by_person(connection, f"{organisation}/{person.employee_number}")
                staff = remember(
                    connection,
                    organisation,
                    person,
                    at,
                    directory=vouched.directory,
                    linked=vouched.linked,
                )
                changed = before not in {None, staff}
                if changed:  # for their other sessions; a re-check finds nothing new any more
                    self._bulletin.announce(connection, staff_subject(staff.staff_id), at)
                known = self._subjects(connection, staff, at)
                if self._owes_factor(vouched):
                    return self._held(connection, staff, vouched, at)
                token, session = self._sessions.open(
                    connection,
                    staff_id=staff.staff_id,
                    organisation=organisation,
                    directory=vouched.directory,
                    provider_session=vouched.provider_session,
                    factors=vouched.factors,
                    second_factor_at=vouched.second_factor_at,
                    vouched_at=vouched.vouched_at,
                    source=vouched.source,
                    agent=vouched.agent,
                    subject=known.subject,
                    at=at,
                    limits=vouched.limits,
                    replaces=replaces,
                )
                if self._keep is not None:
                    self._keep(connection, session.hash, vouched)
        except IdentityChanged as error:
            raise Refusal("identity-changed", tellable=True, username=person.username) from error
        except NotEmployed as error:
            raise Refusal("not-employed", tellable=True, username=person.username) from error
        except EntryIncomplete as error:
            raise Refusal("entry-incomplete", tellable=True, username=person.username) from error
        if replaces is not None or session.displaced or changed:
            self._bulletin.ring()
        return SignedIn(
            token=token,
            session=session,
            staff=staff,
            subject=known.subject,
            team_complete=person.team_complete,
        )
