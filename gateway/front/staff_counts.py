"""How many of the staff may open what, counted apart from the pages that show it.

One pass over everybody answers for every function: people who are equal to the rules are decided
once (`policies.population`). It runs on a thread of its own that pauses after each portion, so that
a worker goes on serving. A count is shown for a minute, with the time it is of; another policy set
makes it void. What fails counts nobody.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import structlog

from gateway.conditions import HONOURED
from gateway.identity.known_staff import count_staff, everybody
from gateway.pages.count_services import Counting, Tally
from gateway.store.engine import reading
from policies.function import Action
from policies.obligations import LEFT_TO_PERSON
from policies.population import decide_population

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Engine as Store

    from gateway.front.policy_in_force import PolicyInForce
    from policies.decision import Decision
    from policies.engine import Engine
    from policies.function import Function
    from policies.question import Subject

_WAIT_SECONDS: Final = 1.0
_KEPT_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 0.005
_PASSWORD: Final = frozenset({"password"})


@dataclass(slots=True, kw_only=True)
class _Run:
    """One count, as it goes on."""

    engine: Engine
    begun: float
    counting: Counting
    over: threading.Event = field(default_factory=threading.Event)


class StaffCounts:
    """Counts for the officers' pages of one worker; `gateway.pages.count_services` says what."""

    def __init__(
        self,
        store: Store,
        policy: PolicyInForce,
        kinds: Mapping[str, str],
        kept_here: frozenset[str],
    ) -> None:
        """Count from this store, by the policy in force.

        Args:
            store: where staff and register are.
            policy: gives the engine, and the register as it reads it.
            kinds: organisation id to its kind.
            kept_here: the organisations that keep memberships in the register.
        """
        self._store = store
        self._policy = policy
        self._kinds = kinds
        self._kept_here = kept_here
        self._lock = threading.Lock()
        self._run: _Run | None = None

    def counted(self, at: datetime) -> Counting:
        """Give the count if there is a recent one, or else how far it is."""
        with self._lock:
            run, engine = self._run, self._policy.engine()
            over = run is not None and run.over.is_set()
            old = run is None or (over and time.monotonic() - run.begun > _KEPT_SECONDS)
            if run is None or old or run.engine is not engine or (over and run.counting.failed):
                run = self._run = _Run(
                    engine=engine,
                    begun=time.monotonic(),
                    counting=Counting(at=at, looked_at=0, total=0, tallies={}),
                )
                threading.Thread(
                    target=self._count, args=(run, at), name="staff-counts", daemon=True
                ).start()
        run.over.wait(_WAIT_SECONDS)
        return run.counting

    def _count(self, run: _Run, at: datetime) -> None:
        try:
            run.counting = self._counted(run, at)
        except Exception as error:  # noqa: BLE001 - whatever fails counts nobody
            structlog.get_logger("counts").error("count failed", error=type(error).__name__)
            run.counting = Counting(at=at, looked_at=0, total=0, tallies={}, failed=True)
        finally:
            run.over.set()

    def _counted(self, run: _Run, at: datetime) -> Counting:
        functions = tuple(run.engine.policy_set.catalogue.functions.values())
        staff: dict[str, int] = {}
        # People with equal decisions share one tuple of them, and are counted by it.
        alike: dict[tuple[str, int], list[tuple[Decision, ...]]] = {}
        for subject, decisions in decide_population(
            run.engine,
            self._everybody(run, at),
            functions,
            action=Action.READ,
            at=at,
            factors=_PASSWORD,
            honours=HONOURED,
        ):
            staff[subject.organisation] = staff.get(subject.organisation, 0) + 1
            alike.setdefault((subject.organisation, id(decisions)), []).append(decisions)
        return Counting(
            at=at,
            looked_at=run.counting.looked_at,
            total=run.counting.looked_at,
            staff=staff,
            tallies=_tallies(functions, alike),
        )

    def _everybody(self, run: _Run, at: datetime) -> Iterator[Subject]:
        with reading(self._store) as connection:
            total = count_staff(connection)

        def progress(looked_at: int) -> None:
            run.counting = Counting(at=at, looked_at=looked_at, total=total, tallies={})
            time.sleep(_PAUSE_SECONDS)

        yield from everybody(
            lambda: reading(self._store),
            self._policy.register(),
            self._kinds,
            self._kept_here,
            at,
            progress,
        )


def _tallies(
    functions: Sequence[Function],
    alike: Mapping[tuple[str, int], Sequence[tuple[Decision, ...]]],
) -> dict[tuple[str, str], Tally]:
    tallies: dict[tuple[str, str], Tally] = {}
    for (organisation, _), people in alike.items():
        for function, decision in zip(functions, people[0], strict=True):
            left = decision.obligations.bits
            after = not decision.permitted and left and not left & ~LEFT_TO_PERSON
            if not (decision.permitted or after):
                continue
            key = function.id, organisation
            known = tallies.get(key, Tally(may=0, after=0))
            tallies[key] = Tally(
                may=known.may + (0 if after else len(people)),
                after=known.after + (len(people) if after else 0),
            )
    return tallies
