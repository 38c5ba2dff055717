"""One request through the gate: what is known of it so far, and the token that lets it pass."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from gateway.audit.entry import EntryDraft
from gateway.backoffice.canonical import CanonicalTarget
from gateway.given_purposes import GivenPurpose
from gateway.identity.sessions.live_session import LiveSession
from gateway.proxy_asking import ProxyAsking
from gateway.store.schema import instant
from gateway.wire.answers import Answer, give
from gateway.wire.connection import Connection
from gateway.wire.incoming import Incoming
from policies.catalogue import Match
from policies.decision import Decision
from policies.engine import Engine
from policies.question import Question


@dataclass
class Visit:
    """One request, opened when its head was read, closed once with its outcome.

    One is made for every request, with the first seven in this order. What is learnt later stands
    in the class until then, which is why it has no slots.

    Attributes:
        reference: ten Crockford base-32 characters, what a person reads out.
        entry_id: for the entry of the decision, 16 bytes.
        at_us: the instant of the visit in microseconds since 1970 UTC; every decision of the visit
            is made for it.
        started: monotonic seconds, for the duration.
        incoming: the request.
        client: the connection it came on.
        asking: the question of another proxy that holds the request; None for a request that came
            here.
        target: the canonical target, once there is one.
        live: the session, once it has been found.
        draft: the decision's entry, once it has been recorded.
        zone: the network zone it came from; None unless a rule asks for zones.
        lost_page: the system of a page that it names in the place of its function, and that was
            not opened in its session; else empty.
        purpose: what the person said they need it for, where that was asked.
        wait_seconds: after how long it may be tried again, where that is known; else 0.
        told_fields: fields that the gate's own answer has besides, such as the methods allowed.
        engine: which answered `question`; None before that.
        question: what was asked of it; None before that.
        done: what was done to the answer, in the words of the record; empty for most.
    """

    reference: str
    entry_id: bytes
    at_us: int
    started: float
    incoming: Incoming
    client: Connection
    asking: ProxyAsking | None = None
    target: CanonicalTarget | None = field(default=None, init=False)
    live: LiveSession | None = field(default=None, init=False)
    draft: EntryDraft | None = field(default=None, init=False)
    zone: str | None = field(default=None, init=False)
    lost_page: str = field(default="", init=False)
    purpose: GivenPurpose | None = field(default=None, init=False)
    wait_seconds: int = field(default=0, init=False)
    told_fields: tuple[tuple[bytes, bytes], ...] = field(default=(), init=False)
    engine: Engine | None = field(default=None, init=False)
    question: Question | None = field(default=None, init=False)
    done: tuple[str, ...] = field(default=(), init=False)
    _at: datetime | None = field(default=None, init=False, repr=False)

    @property
    def at(self) -> datetime:
        """The instant of the visit, aware; most visits are never asked for it."""
        if self._at is None:
            self._at = instant(self.at_us)
        return self._at

    @property
    def ip(self) -> str:
        """Address the request came from."""
        return self.client.peer_ip if self.asking is None else self.asking.ip

    @property
    def agent(self) -> str:
        """What the client calls itself; outside input, for the encrypted part of the record."""
        return self.incoming.head.headers.get(b"user-agent", b"").decode("ascii", "replace")

    @property
    def method(self) -> str:
        """The method, one of those we serve."""
        return self.incoming.head.method

    def aim_at(self, target: CanonicalTarget) -> None:
        """Note the canonical target.

        Raises:
            TargetError: another proxy holds the request, and must not send it on.
        """
        self.target = target
        if self.asking is not None:
            self.asking.demand(target)

    def about(self, live: LiveSession | None, entry_id: bytes) -> Visit:
        """Give a visit of its own for somebody that a program asks about, with its own entry."""
        visit = copy(self)
        visit.live, visit.entry_id = live, entry_id
        return visit

    def give(self, answer: Answer) -> None:
        """Answer whoever waits: the client, or the proxy that asks for it."""
        if self.asking is None:
            give(answer, self.incoming, self.client)
        else:
            self.asking.give(answer, self.client)


class UnearnedGrantError(TypeError):
    """Somebody tried to make a Grant without an enforced permit: a fault of the program."""


class Ready(Protocol):
    """What comes again, and with it what an act made of it.

    Attributes:
        prepared: by whichever act was done with it last; that alone knows what it is.
    """

    prepared: object


class Grant:
    """Leave to act, made by the pipeline from a permit that has been recorded. Never changes.

    INVARIANT: no Grant exists for a decision that is not a permit, or whose entry is not durable.

    Attributes:
        decision: the permit.
        question: what was asked.
        match: which function and route the request means.
        entry: the durable entry of the decision.
        ready: where an act may leave what it made for this request, for the next that is the same;
            None where there is none that would find it.
    """

    __slots__ = ("decision", "entry", "match", "question", "ready")

    def __init__(
        self,
        decision: Decision,
        question: Question,
        match: Match,
        entry: EntryDraft,
        ready: Ready | None = None,
    ) -> None:
        """Refuse to exist for anything but a permit."""
        if not decision.permitted:
            raise UnearnedGrantError("grant: the decision is not a permit")
        self.decision: Final = decision
        self.question: Final = question
        self.match: Final = match
        self.entry: Final = entry
        self.ready: Final = ready
