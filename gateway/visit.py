"""One request through the gate: what is known of it so far, and the token that lets it pass."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.audit.entry import EntryDraft
from gateway.backoffice.canonical import CanonicalTarget
from gateway.given_purposes import GivenPurpose
from gateway.identity.sessions.live_session import LiveSession
from gateway.proxy_asking import ProxyAsking
from gateway.wire.answers import Answer, give
from gateway.wire.connection import Connection
from gateway.wire.incoming import Incoming
from policies.catalogue import Match
from policies.decision import Decision
from policies.engine import Engine
from policies.question import Question


@dataclass(slots=True)
class Visit:
    """One request, opened when its head was read, closed once with its outcome.

    The first eight are what it begins with, given in this order: one is made for every request.

    Attributes:
        reference: ten Crockford base-32 characters, what a person reads out.
        entry_id: for the entry of the decision, 16 bytes.
        at: the instant of the visit, UTC; every decision of the visit is made for it.
        at_us: the same in microseconds.
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
        engine: which answered `question`; None before that.
        question: what was asked of it; None before that.
        done: what was done to the answer, in the words of the record; empty for most.
    """

    reference: str
    entry_id: bytes
    at: datetime
    at_us: int
    started: float
    incoming: Incoming
    client: Connection
    asking: ProxyAsking | None = None
    target: CanonicalTarget | None = None
    live: LiveSession | None = None
    draft: EntryDraft | None = None
    zone: str | None = None
    lost_page: str = ""
    purpose: GivenPurpose | None = None
    wait_seconds: int = 0
    engine: Engine | None = None
    question: Question | None = None
    done: tuple[str, ...] = ()

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

    def give(self, answer: Answer) -> None:
        """Answer whoever waits: the client, or the proxy that asks for it."""
        if self.asking is None:
            give(answer, self.incoming, self.client)
        else:
            self.asking.give(answer, self.client)


class UnearnedGrantError(TypeError):
    """Somebody tried to make a Grant without an enforced permit: a fault of the program."""


class Grant:
    """Leave to act, made by `pipeline.enforce` from a permit that has been recorded. Never changes.

    INVARIANT: no Grant exists for a decision that is not a permit, or whose entry is not durable.

    Attributes:
        decision: the permit.
        question: what was asked.
        match: which function and route the request means.
        entry: the durable entry of the decision.
    """

    __slots__ = ("decision", "entry", "match", "question")

    def __init__(
        self, decision: Decision, question: Question, match: Match, entry: EntryDraft
    ) -> None:
        """Refuse to exist for anything but a permit."""
        if not decision.permitted:
            raise UnearnedGrantError("grant: the decision is not a permit")
        self.decision: Final = decision
        self.question: Final = question
        self.match: Final = match
        self.entry: Final = entry
