"""What was found for a request that comes again, and until when it holds.

Somebody asks for the same again and again: a list that is looked at every few seconds, the page one
returns to. Under the same session and the same policy set it means the same, is decided alike and
written down alike, but for its id, its instant and its reference. What was found is a precedent.

What is followed (`Precedents.find`) is a permit alone, and only while all that it rests on is as it
was. What can change is asked with each request, outside: whether every change that is known
has been applied, whether the session may still be used, how fast its person asks. What changes by
itself ends the precedent: the session replaced, as it is when anything about it changes; another
policy set; the end of the span in which the decision stands, at the latest a minute. What rests on
more than these is no precedent: an obligation, a purpose, a transaction, a network zone, another's
record, vetting under review, a body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.audit.entry import EntryDraft, Repetition
from gateway.drafts import decision_draft
from gateway.newcomers import Newcomers
from gateway.store.schema import microseconds
from gateway.wire.request_head import SAFE_METHODS
from policies.standing import stands_until

if TYPE_CHECKING:
    from gateway.backoffice.canonical import CanonicalTarget
    from gateway.identity.sessions.live_session import LiveSession
    from gateway.identity.sessions.presence import Presence
    from gateway.visit import Visit
    from policies.catalogue import Match
    from policies.decision import Decision
    from policies.engine import Engine
    from policies.question import Question

_MOST: Final = 4_096  # some 3 kB each, with what sealing has made of it
_TIDY_FROM: Final = 256
_LIFE_US: Final = 60_000_000
_LONGEST: Final = 1_024  # target and agent together: what is longer is memory that anybody can fill
_KNOWN_AS: Final = "precedent"  # where a head keeps what it asked for last
_Key = tuple[object, ...]


class Precedent:
    """What was found for one request of one session.

    Attributes:
        live: whose request it was. Held by identity, as the next three: none of them ever changes.
        asked: the target as it came.
        target: the one canonical target.
        match: which function and route it means; None for none.
        engine: which decided.
        question: what it was asked. Its instant is that of the first; within the span no instant
            makes a difference.
        decision: what it answered.
        repetition: what entries say alike of it.
        since_us: the instant it was decided at, in microseconds since 1970 UTC.
        until_us: up to when it may be followed; 0 where it may not: then it only tells what is
            written of a request that was decided anew.
        prepared: left here by the act that was done with it, for the next time.
    """

    __slots__ = (
        "asked",
        "decision",
        "engine",
        "live",
        "match",
        "prepared",
        "question",
        "repetition",
        "since_us",
        "target",
        "until_us",
    )

    def __init__(
        self,
        visit: Visit,
        live: LiveSession,
        target: CanonicalTarget,
        engine: Engine,
        question: Question,
        decision: Decision,
        match: Match | None,
        draft: EntryDraft,
    ) -> None:
        self.live = live
        self.asked = visit.incoming.head.target
        self.target = target
        self.match = match
        self.engine = engine
        self.question = question
        self.decision = decision
        self.repetition = Repetition(draft)
        self.since_us = visit.at_us
        self.until_us = 0
        self.prepared: object = None

    def holds(self, live: LiveSession, engine: Engine, at_us: int) -> bool:
        """Tell whether nothing that it rests on has changed, for whoever asks the same again."""
        return (
            self.live is live and self.engine is engine and self.since_us <= at_us < self.until_us
        )

    def says(
        self,
        live: LiveSession,
        visit: Visit,
        question: Question,
        decision: Decision,
        match: Match | None,
    ) -> bool:
        """Tell whether a request that was decided anew is written down as this one was."""
        # INVARIANT: with the key, all that `decision_draft` reads. The subject is the session's,
        # the function the match's, the host the policy set's.
        mine = self.question
        return (
            self.live is live
            and self.target is visit.target
            and self.match is match
            and self.decision == decision
            and mine.record_person == question.record_person
            and mine.record_organisation == question.record_organisation
        )


class Precedents:
    """The precedents of one worker, for one host. On the event loop only."""

    def __init__(self, presence: Presence, most: int = _MOST) -> None:
        """Start with none.

        Args:
            presence: after which pause, or how long, a function asks for a new proof.
            most: how many are known at a time.
        """
        self._presence = presence
        self._most = most
        self._newcomers = Newcomers(most)
        self._known: dict[_Key, Precedent] = {}
        self._tidy_at = min(most, _TIDY_FROM)
        self._engine: Engine | None = None  # which decided last

    def __len__(self) -> int:
        """Count what is known."""
        return len(self._known)

    def find(self, visit: Visit, live: LiveSession, engine: Engine) -> Precedent | None:
        """Give what may be followed for a visit; None where it has to be looked at anew.

        Args:
            visit: the visit.
            live: the session of its request, which may be used as it is.
            engine: of the policy set in force.
        """
        head = visit.incoming.head
        known: Precedent | None = head.worked_out.get(_KNOWN_AS)
        # INVARIANT: heads that share this differ in their target alone; of one connection, method
        # and fields tell all else that is in the key, and that there is no body.
        if (
            known is None
            or known.asked != head.target
            or not known.holds(live, engine, visit.at_us)
        ):
            known = self._known.get(_key(visit, live))
            if known is None or head.body_length or not known.holds(live, engine, visit.at_us):
                return None
            head.worked_out[_KNOWN_AS] = known
        return known

    def draft(
        self,
        visit: Visit,
        question: Question,
        decision: Decision,
        match: Match | None,
        *,
        host: str,
    ) -> EntryDraft:
        """Draft the entry of a decision, see `decision_draft`; it is a precedent from then on."""
        live, target, engine = visit.live, visit.target, visit.engine
        if live is None or target is None or engine is None or visit.purpose is not None:
            return decision_draft(visit, question, decision, match, host=host)
        head = visit.incoming.head
        if len(head.target) + len(head.headers.get(b"user-agent", b"")) > _LONGEST:
            return decision_draft(visit, question, decision, match, host=host)
        key = _key(visit, live)
        known = self._known.get(key)
        if known is not None and known.says(live, visit, question, decision, match):
            if known.until_us or known.engine is not engine:
                known.decision = decision
                self._renew(known, visit, engine, question)
            return known.repetition.draft(
                entry_id=visit.entry_id, at_us=visit.at_us, reference=visit.reference
            )
        draft = decision_draft(visit, question, decision, match, host=host)
        # A session read anew takes the place of what it was, and so does a match that was made for
        # a body, another each time.
        if known is not None or self._newcomers.came_before(
            (live.session.hash, head.method, target.sent)
        ):
            # What came into force ended all sessions in memory; what is left of them would hold
            # the policy set of before.
            if len(self._known) >= self._tidy_at or engine is not self._engine:
                self._engine = engine
                self._tidy()
            self._known[key] = made = Precedent(
                visit, live, target, engine, question, decision, match, draft
            )
            self._renew(made, visit, engine, question)
        return draft

    def _renew(self, known: Precedent, visit: Visit, engine: Engine, question: Question) -> None:
        """Note from when until when it may be followed, decided as it was just now."""
        known.engine, known.question, known.prepared = engine, question, None
        known.since_us = visit.at_us
        known.until_us = self._until_us(known, visit)

    def _until_us(self, known: Precedent, visit: Visit) -> int:
        match, live, engine, question = known.match, known.live, known.engine, known.question
        head = visit.incoming.head
        if (
            match is None
            or engine.zones
            or not known.decision.permitted
            or known.decision.obligations.bits
            or match.function.obligations
            or match.function.transaction
            or match.transaction
            or match.record_person is not None
            or live.under_review
            or head.body_length
            or head.method not in SAFE_METHODS
        ):
            return 0
        stands = stands_until(engine, question, known.decision)
        if stands is None:
            return 0
        return min(
            visit.at_us + _LIFE_US,
            microseconds(stands),
            self._presence.asks_from_us(live.session, match.function),
        )

    def _tidy(self) -> None:
        """Forget what belongs to sessions that are over; all, where that is not enough."""
        kept = {key: known for key, known in self._known.items() if not known.live.dropped}
        self._known = kept if len(kept) < self._most else {}
        self._tidy_at = min(self._most, 2 * len(self._known) + _TIDY_FROM)


def _key(visit: Visit, live: LiveSession) -> _Key:
    """Say by what a request is known again: whose it is, what it asks for, and from where."""
    head, asking = visit.incoming.head, visit.asking
    return (
        live.session.hash,
        head.target,
        head.method,
        visit.client.peer_ip if asking is None else (asking.proxy, asking.ip),
        head.headers.get(b"user-agent"),
    )
