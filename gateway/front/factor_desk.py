"""Second factors for the pages: what identity does, made durable in the record.

1. A first factor needs a sign-in younger than ten minutes; every further change needs a second
   factor shown within fifteen.
2. A proof is used up, then recorded, and only then does the session get stronger: with a new token,
   its kept form and its jars following. A stage of a sign-in becomes a session in the same order.
3. Whoever's factors change is told, and so are the security officers of their organisation.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from gateway.front.sign_in_desk import our_visit
from gateway.identity.factors.factor_notices import NoticeCode, give_notice, notices
from gateway.identity.factors.factors import FactorRefused, Proof
from gateway.identity.factors.second_factor import provisioning_uri
from gateway.identity.sessions.live_session import LiveSession
from gateway.identity.sessions.sessions import SECOND_FACTOR
from gateway.identity.signing_in.factor_holder import Holder
from gateway.store.engine import writing
from gateway.store.schema import microseconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

    from gateway.bulletin import Bulletin
    from gateway.front.factor_record import FactorRecord
    from gateway.identity.factors.factor_notices import Notice
    from gateway.identity.factors.factor_rows import Standing
    from gateway.identity.factors.factors import Allow, Enrolled, SecondFactors
    from gateway.identity.factors.kept_forms import KeptForm, KeptForms
    from gateway.identity.sessions.sessions import Sessions
    from gateway.identity.signing_in.sign_in import SignedIn, SignIn
    from gateway.identity.signing_in.stages import SignInStages
    from gateway.pages.page_services import LiveSession as PageSession
    from gateway.pages.page_services import OpenVisit
    from gateway.visit import Visit

FRESH_SIGN_IN: Final = timedelta(minutes=10)
FRESH_FACTOR: Final = timedelta(minutes=15)


class FactorDesk:
    """Enrols, proves and removes second factors. Blocks; safe to use from several threads."""

    def __init__(
        self,
        *,
        engine: Engine,
        bulletin: Bulletin,
        factors: SecondFactors,
        forms: KeptForms,
        stages: SignInStages,
        sessions: Sessions,
        sign_in: SignIn,
        record: FactorRecord,
        service_name: str,
        clock: Callable[[], datetime],
    ) -> None:
        """Hold what is needed.

        Args:
            engine: the store.
            bulletin: rung when a session has got a new token.
            factors: what people prove themselves with.
            forms: what waits for their proof.
            stages: sign-ins that wait for it.
            sessions: made stronger by it.
            sign_in: opens the session of a stage.
            record: makes it durable.
            service_name: as authenticator apps show it.
            clock: the present instant.
        """
        self._engine = engine
        self._bulletin = bulletin
        self._factors = factors
        self._forms = forms
        self._stages = stages
        self._sessions = sessions
        self._sign_in = sign_in
        self._record = record
        self._service_name = service_name
        self._clock = clock

    # ---- whose, and what they have ----------------------------------------------------------

    def holder(self, session: PageSession) -> Holder:
        """Give the holder of a session."""
        if not isinstance(session, LiveSession):
            raise TypeError("second factor: a session that is none of ours")
        return Holder(staff=session.staff, binding=session.session.hash, live=session)

    def stage_holder(self, token: str, *, at: datetime) -> Holder | None:
        """Give the holder of a sign-in's stage; None where there is none any more."""
        stage = self._stages.look(token, at=at)
        if stage is None:
            return None
        return Holder(staff=stage.staff, binding=stage.hash, stage=stage)

    def standing(self, holder: Holder) -> Standing:
        """Say what second factors somebody has."""
        return self._factors.standing(holder.staff.staff_id)

    def notices(self, holder: Holder, *, at: datetime, within: timedelta) -> tuple[Notice, ...]:
        """List what lately happened to their factors."""
        return notices(self._engine, at=at, staff_id=holder.staff.staff_id, within=within)

    def missing(self, holder: Holder, *, at: datetime) -> str:
        """Say what must come before any change of factors.

        Returns:
            Empty where it may be made; `second-factor` where one must be shown, `sign-in` where a
            first one needs a fresher sign-in.
        """
        if holder.live is None:
            return "second-factor" if self.standing(holder).factors else ""
        if is_fresh(holder.live, at=at):
            return ""
        if self.standing(holder).factors:
            return "second-factor"
        begun_us = holder.live.session.started_at_us
        young = microseconds(at - FRESH_SIGN_IN) < begun_us <= microseconds(at)
        return "" if young else "sign-in"

    # ---- enrolment --------------------------------------------------------------------------

    def begin_app(self, holder: Holder, *, at: datetime) -> tuple[str, str]:
        """Give the secret of an app being enrolled, and the address for its QR code."""
        secret = self._factors.begin_app(holder.binding, at=at)
        account = holder.staff.address
        return secret, provisioning_uri(secret, account=account, service=self._service_name)

    def begin_key(self, holder: Holder, *, at: datetime) -> str:
        """Give what a browser asks a new key, as JSON."""
        return self._factors.begin_key(holder.binding, holder.staff, at=at)

    def add_app(
        self, holder: Holder, *, name: str, code: str, visit: OpenVisit, replaces: str | None
    ) -> tuple[tuple[str, ...], str]:
        """Add the app being enrolled.

        Returns:
            The recovery codes, if it was the first factor, and the new token of the session.

        Raises:
            FactorRefused: it was not accepted, or something must come first.
        """
        return self._add(
            holder,
            lambda at: self._factors.add_app(
                holder.binding,
                holder.staff.staff_id,
                name=name,
                code=code,
                at=at,
                allow=self._allow(holder, at),
            ),
            visit,
            replaces,
        )

    def add_key(
        self, holder: Holder, *, name: str, answer: str, visit: OpenVisit, replaces: str | None
    ) -> tuple[tuple[str, ...], str]:
        """Add a security key or passkey; as `add_app`."""
        return self._add(
            holder,
            lambda at: self._factors.add_key(
                holder.binding,
                holder.staff.staff_id,
                name=name,
                answer=answer,
                at=at,
                allow=self._allow(holder, at),
            ),
            visit,
            replaces,
        )

    def _allow(self, holder: Holder, at: datetime) -> Allow:
        """Say once more, where the factor is added, what `missing` said before.

        Two who enrol a first factor at once must not both: the second one's would be a further one
        that nobody has shown a factor for. Nor may a session that was ended meanwhile.
        """

        def allow(connection: Connection, before: int) -> None:
            if before and (holder.live is None or not is_fresh(holder.live, at=at)):
                raise FactorRefused("second-factor-first")
            if holder.live is None:
                there = self._stages.is_there(connection, holder.binding)
            else:
                there = self._sessions.read_hash(connection, holder.binding) is not None
            if not there:
                raise FactorRefused("too-late")

        return allow

    def _add(
        self,
        holder: Holder,
        enrol: Callable[[datetime], Enrolled],
        visit: OpenVisit,
        replaces: str | None,
    ) -> tuple[tuple[str, ...], str]:
        visit = our_visit(visit)
        self._demand_nothing_missing(holder, visit.at)
        try:
            enrolled = enrol(visit.at)
        except FactorRefused as error:
            self._record.refused(holder, visit, error)
            raise
        staff_id = holder.staff.staff_id
        try:
            self._record.done(holder, visit, NoticeCode.ADDED)
            with writing(self._engine) as connection:
                name = enrolled.factor.name
                give_notice(connection, staff_id, NoticeCode.ADDED, visit.at, detail=name)
        except BaseException:
            # What nobody could be told of must not prove anything.
            self._factors.remove(staff_id, enrolled.factor.id)
            raise
        return enrolled.codes, self._strengthened(holder, visit, replaces)

    # ---- proof ------------------------------------------------------------------------------

    def challenge_key(self, holder: Holder, *, at: datetime) -> str:
        """Give what a browser asks the person's keys; empty where they have none."""
        return self._factors.challenge_key(holder.binding, holder.staff.staff_id, at=at)

    def prove_code(
        self, holder: Holder, code: str, *, visit: OpenVisit, replaces: str | None
    ) -> str:
        """Judge a code of an app, or a recovery code.

        Returns:
            The new token of the session.

        Raises:
            FactorRefused: it is not right, or nothing is looked at now; recorded.
        """
        return self._prove(
            holder,
            lambda at: self._factors.prove_code(holder.staff.staff_id, code, at=at),
            visit,
            replaces,
        )

    def prove_key(
        self, holder: Holder, answer: str, *, visit: OpenVisit, replaces: str | None
    ) -> str:
        """Judge the answer of a security key; as `prove_code`."""
        return self._prove(
            holder,
            lambda at: self._factors.prove_key(
                holder.binding, holder.staff.staff_id, answer, at=at
            ),
            visit,
            replaces,
        )

    def _prove(
        self,
        holder: Holder,
        judge: Callable[[datetime], Proof],
        visit: OpenVisit,
        replaces: str | None,
    ) -> str:
        visit = our_visit(visit)
        try:
            proof = judge(visit.at)
        except FactorRefused as error:
            self._record.refused(holder, visit, error)
            raise
        self._record.done(holder, visit, f"second-factor-by-{proof}")
        if proof is Proof.RECOVERY_CODE:
            with writing(self._engine) as connection:
                give_notice(connection, holder.staff.staff_id, NoticeCode.CODE_USED, visit.at)
        return self._strengthened(holder, visit, replaces)

    def _strengthened(self, holder: Holder, visit: Visit, replaces: str | None) -> str:
        """Give the holder a session that counts as proved; the old token is worth nothing."""
        if holder.live is not None:
            before = holder.live.session.hash
            with writing(self._engine) as connection:
                token, after = self._sessions.strengthen(
                    connection, before, factors=frozenset({SECOND_FACTOR}), at=visit.at
                )
                self._forms.move(connection, before, after.hash)
            self._bulletin.ring()
            return token
        stage = self._stages.find(holder.binding, at=visit.at)
        if stage is None:
            raise FactorRefused("too-late")

        def record(signed_in: SignedIn) -> None:
            self._record.signed_in(visit, signed_in, self._clock())

        def claim(connection: Connection) -> None:
            if not self._stages.take(connection, holder.binding):
                raise FactorRefused("too-late")

        signed_in = self._sign_in.admit(
            stage.proved(visit.at), at=visit.at, replaces=replaces, record=record, claim=claim
        )
        if replaces:
            self._forms.carry(replaces, signed_in.session)
        return signed_in.token

    # ---- afterwards -------------------------------------------------------------------------

    def new_codes(self, holder: Holder, *, visit: OpenVisit) -> tuple[str, ...]:
        """Make new recovery codes.

        Raises:
            FactorRefused: something must come first.
        """
        visit = our_visit(visit)
        self._demand_nothing_missing(holder, visit.at)
        self._record.done(holder, visit, NoticeCode.NEW_CODES)
        codes = self._factors.new_codes(holder.staff.staff_id, at=visit.at)
        if codes:
            with writing(self._engine) as connection:
                give_notice(connection, holder.staff.staff_id, NoticeCode.NEW_CODES, visit.at)
        return codes

    def remove(self, holder: Holder, factor_id: str, *, visit: OpenVisit) -> bool:
        """Remove a factor; tells whether it was there.

        Raises:
            FactorRefused: something must come first.
        """
        visit = our_visit(visit)
        self._demand_nothing_missing(holder, visit.at)
        self._record.done(holder, visit, NoticeCode.REMOVED)
        removed = self._factors.remove(holder.staff.staff_id, factor_id)
        if removed is None:
            return False
        with writing(self._engine) as connection:
            give_notice(
                connection,
                holder.staff.staff_id,
                NoticeCode.REMOVED,
                visit.at,
                detail=removed.name,
            )
        return True

    def take_form(self, holder: Holder, *, at: datetime) -> KeptForm | None:
        """Give what the person had filled in, once, and only after a fresh second factor."""
        waits = self._forms.look(holder.binding, at=at)
        if waits is None or holder.live is None:
            return None
        if waits.waits_for == "second-factor" and not is_fresh(holder.live, at=at):
            return None
        return self._forms.take(holder.binding, at=at)

    def form_waits(self, holder: Holder, *, at: datetime) -> str | None:
        """Give the system at whose own host something waits to be sent; None where nothing does."""
        waits = self._forms.look(holder.binding, at=at)
        return None if waits is None else waits.system

    def _demand_nothing_missing(self, holder: Holder, at: datetime) -> None:
        missing = self.missing(holder, at=at)
        if missing:
            raise FactorRefused(f"{missing}-first")


def is_fresh(live: LiveSession, *, at: datetime) -> bool:
    """Tell whether a session's second factor was shown lately enough to change factors."""
    shown_us = live.session.second_factor_at_us
    if SECOND_FACTOR not in live.session.factors or shown_us is None:
        return False
    return microseconds(at - FRESH_FACTOR) < shown_us <= microseconds(at)
