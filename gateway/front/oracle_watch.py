"""Watches the engine: of the decisions of every day a few are decided again by Casbin.

Of so many decisions one, drawn so that nobody can tell which, is put aside and asked of Casbin by a
thread of its own: milliseconds that no request waits for. One worker of a machine does so, the one
that has the lock; should it end, another does. What others put aside only tries for the lock.

Where the two differ, something that permits or denies is wrong and nobody knows which. So:

1. the operational log has an alarm, and the record an entry (`oracle-disagreement`);
2. the function is withheld from everybody, in every worker at its next request, until another
   policy set is in force. Nothing else is: the rest of the set was not seen to be wrong;
3. readiness names it.

What cannot be asked (Casbin fails to load, the store is away) is an alarm as well, and changes
nothing: the decisions themselves are the engine's.
"""

from __future__ import annotations

import fcntl
import secrets
from collections import deque
from threading import Event, Thread
from typing import IO, TYPE_CHECKING, NamedTuple

import structlog

from gateway.audit.entry import EntryDraft, Kind, Outcome
from gateway.errors import RecordUnavailable, StoreError
from gateway.store.schema import microseconds
from policies.casbin_oracle import CasbinOracle

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from gateway.audit.recorder import Recorder
    from gateway.front.policy_in_force import PolicyInForce
    from policies.decision import Decision
    from policies.engine import Engine
    from policies.question import Question

MOST_WAITING = 32
"""Decisions put aside at once; what comes while so many wait is not asked."""

_log = structlog.get_logger("oracle")


class _Aside(NamedTuple):
    engine: Engine
    question: Question
    decision: Decision


class OracleWatch:
    """Puts decisions aside on the event loop, and asks Casbin on a thread. One a worker."""

    def __init__(
        self,
        *,
        one_in: int,
        lock: Path,
        policy: PolicyInForce,
        recorder: Recorder,
        clock: Callable[[], datetime],
    ) -> None:
        """Begin to watch.

        Args:
            one_in: of so many decisions one, on average; 0 for none.
            lock: the file that the worker which asks holds locked.
            policy: the policy set in force, which withholds what is in doubt.
            recorder: takes the entry.
            clock: the present instant.
        """
        self._one_in = one_in
        self._lock = lock
        self._held: IO[bytes] | None = None
        self._policy = policy
        self._recorder = recorder
        self._clock = clock
        self._left = self._drawn()
        self._waiting: deque[_Aside] = deque()
        self._wake = Event()
        self._over = False
        self._oracle: tuple[str, CasbinOracle] | None = None
        self.asked = 0
        self._thread: Thread | None = None
        if one_in:
            self._thread = Thread(target=self._ask_forever, name="oracle-watch", daemon=True)
            self._thread.start()

    def seen(self, engine: Engine, question: Question, decision: Decision) -> None:
        """Count a decision, and put it aside if it is its turn. On the event loop, of each."""
        self._left -= 1
        if self._left:
            return
        self._left = self._drawn()
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(_Aside(engine, question, decision))
            self._wake.set()

    def close(self) -> None:
        """End the thread and give the lock back."""
        self._over = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        if self._held is not None:
            self._held.close()

    def _drawn(self) -> int:
        # Never reached where nothing is to be asked: the count only goes down.
        return 1 + secrets.randbelow(2 * self._one_in - 1) if self._one_in else -1

    def _ask_forever(self) -> None:
        while not self._over:
            self._wake.wait()
            self._wake.clear()
            while self._waiting and not self._over:
                aside = self._waiting.popleft()
                try:
                    if self._is_ours():
                        self._ask(*aside)
                except Exception:  # noqa: BLE001 -- whatever failed, the next one is asked
                    _log.exception("casbin cannot be asked", alarm="oracle-unavailable")

    def _is_ours(self) -> bool:
        """Whether this worker is the one that asks."""
        if self._held is not None:
            return True
        held = self._lock.open("ab")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held.close()
            return False
        self._held = held
        return True

    def _ask(self, engine: Engine, question: Question, decision: Decision) -> None:
        if engine is not self._policy.engine() or question.function.id in self._policy.withheld:
            return  # another set is in force by now, or it is known already
        if self._oracle is None or self._oracle[0] != engine.digest:
            self._oracle = engine.digest, CasbinOracle.from_policy_set(engine.policy_set)
        answer = self._oracle[1].answer(question)
        self.asked += 1
        if answer.effect is not decision.effect:
            self._differ(engine, question, decision, f"{answer.effect}", answer.error or "")

    def _differ(
        self, engine: Engine, question: Question, decision: Decision, casbin: str, error: str
    ) -> None:
        function = question.function.id
        at = self._clock()
        _log.error(
            "engine and Casbin differ; the function is withheld",
            alarm="oracle-disagreement",
            function=function,
            action=str(question.action),
            organisation=question.subject.organisation,
            engine=str(decision.effect),
            casbin=casbin,
            error=error[:200],
            policy=engine.digest,
        )
        draft = EntryDraft(
            kind=Kind.SYSTEM,
            at_us=microseconds(at),
            outcome=Outcome.ERROR,
            code="oracle-disagreement",
            function=function,
            organisation=question.subject.organisation,
            policy=engine.digest,
            agreement=decision.agreement_id or "",
            rules=decision.rule_ids,
            inputs=decision.results.to_text(),
        )
        try:
            self._policy.doubt(engine, function, at=at)
        except StoreError:
            _log.exception("a function in doubt is not withheld", alarm="oracle-disagreement")
        try:
            self._recorder.record_and_wait(draft)
        except RecordUnavailable:
            _log.exception("a disagreement is not recorded", alarm="oracle-disagreement")
