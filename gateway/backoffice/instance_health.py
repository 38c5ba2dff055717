"""Whether one instance of a system is given requests, as one worker sees it. No clock, no network.

What counts as a failure: no connection, no answer, an answer that breaks off or cannot be read, and
an answer of 500 to 599. So many in a row put the instance out of service for a while, twice as long
each time it happens again soon. It comes back when a look at it has found it well, and on trial:
the next failure puts it out again.
"""

from dataclasses import dataclass
from typing import Final

_LONGEST_SECONDS: Final = 300.0  # out of service, however often it has failed


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRule:
    """When an instance is put out of service, and when it comes back.

    Attributes:
        failures: so many in a row put it out.
        out_seconds: how long at the first time.
        looks: how many looks in a row must find it well before it comes back.
        look_seconds: how often it is looked at while it serves; None for never.
    """

    failures: int
    out_seconds: float
    looks: int = 1
    look_seconds: float | None = None


class InstanceHealth:
    """What is known of one instance.

    Attributes:
        in_service: whether requests go there.
        failures: of requests, in a row; zero costs whoever notes a success nothing.
        reason: of being out of service, a fixed word.
        look_at: loop time at which it is to be looked at again; never for none.
    """

    __slots__ = (
        "_back_at",
        "_bad_looks",
        "_good_looks",
        "_out_seconds",
        "_out_until",
        "_rule",
        "failures",
        "in_service",
        "look_at",
        "reason",
    )

    def __init__(self, rule: HealthRule, now: float) -> None:
        self._rule = rule
        self.in_service = True
        self.failures = self._bad_looks = self._good_looks = 0
        self._out_seconds = rule.out_seconds
        self._out_until = 0.0
        self._back_at = now
        self.reason = ""
        self.look_at = self._next_look(now)

    def failed(self, reason: str) -> bool:
        """Note a request that failed there; tell whether there have been enough of them."""
        self.failures += 1
        self.reason = reason
        return self.in_service and self.failures >= self._rule.failures

    def succeeded(self) -> None:
        """Note that a request was answered there."""
        self.failures = 0

    @property
    def is_well(self) -> bool:
        """Whether it serves, and is not known to fail."""
        most = self._rule.failures
        return self.in_service and self.failures < most and self._bad_looks < most

    @property
    def has_just_failed(self) -> bool:
        """Whether the failure that was noted last is the one that makes it enough of them."""
        return self._rule.failures in {self.failures, self._bad_looks}

    def found_well(self, now: float) -> bool:
        """Note a look that found it well; tell whether it may come back."""
        self._bad_looks = 0
        self._good_looks += 1
        self.look_at = self._next_look(now)
        if self.in_service:
            return False
        return self._good_looks >= self._rule.looks and now >= self._out_until

    def found_ill(self, reason: str, now: float) -> bool:
        """Note a look that did not; tell whether there have been enough of them."""
        self._good_looks = 0
        self._bad_looks += 1
        if self.in_service:
            self.look_at = self._next_look(now)
            self.reason = reason
            return self._bad_looks >= self._rule.failures
        if self._rule.look_seconds is None:  # nobody looks in between, so it stays out for longer
            self._stay_out(now)
        else:
            self.look_at = self._next_look(now)
        return False

    def put_out(self, now: float) -> None:
        """Put it out of service; sooner after its return, for longer."""
        if now - self._back_at > self._out_seconds:
            self._out_seconds = self._rule.out_seconds
        self.in_service = False
        self._good_looks = 0
        self._stay_out(now)

    def come_back(self, now: float) -> None:
        """Take it into service on trial."""
        self.in_service = True
        self.reason = ""
        self.failures = self._rule.failures - 1
        self._bad_looks = 0
        self._back_at = now
        self.look_at = self._next_look(now)

    def _stay_out(self, now: float) -> None:
        self._out_until = now + self._out_seconds
        self._out_seconds = min(self._out_seconds * 2, _LONGEST_SECONDS)
        self.look_at = self._next_look(now)

    def _next_look(self, now: float) -> float:
        if self._rule.look_seconds is not None:
            return now + self._rule.look_seconds
        return float("inf") if self.in_service else self._out_until
