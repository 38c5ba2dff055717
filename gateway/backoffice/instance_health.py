"""Whether one instance of a system is given requests, as one worker sees it. No clock, no network.

What counts as a failure: no connection, no answer, an answer that breaks off or cannot be read, and
an answer of 500 to 599. What a request of somebody's own making can bring about, though, is no
proof against the instance, or one person could put out one after the other (Envoy, whose outlier
detection is much like this one, cannot tell people apart):

- So many connections in a row that cannot be made put it out, whoever asked.
- Of answers that fail, those of one person count once: so many people in a row put it out, never
  fewer than two.
- As many failures in a row of fewer people are a suspicion: it is looked at, and the looks decide.

It stays out for a while, twice as long each time it happens again soon. It comes back when a look
at it has found it well, and on trial: the next connection that cannot be made, or answers that fail
two people, put it out again.
"""

from dataclasses import dataclass
from typing import Final

_LONGEST_SECONDS: Final = 300.0  # out of service, however often it has failed


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRule:
    """When an instance is put out of service, and when it comes back.

    Attributes:
        failures: so many in a row put it out; of answers, so many people's.
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
        has_just_failed: whether the failure that was noted last is the one that makes it enough.
    """

    __slots__ = (
        "_back_at",
        "_bad_looks",
        "_failing",
        "_good_looks",
        "_ill",
        "_on_trial",
        "_out_seconds",
        "_out_until",
        "_rule",
        "_trusted_until",
        "_unreached",
        "failures",
        "has_just_failed",
        "in_service",
        "look_at",
        "reason",
    )

    def __init__(self, rule: HealthRule, now: float) -> None:
        self._rule = rule
        self.in_service = True
        self.failures = self._unreached = self._bad_looks = self._good_looks = 0
        self._failing: set[str] = set()  # people whose answers failed, in a row
        self._ill = self._on_trial = self.has_just_failed = False
        self._out_seconds = rule.out_seconds
        self._out_until = 0.0
        self._trusted_until = now  # a look has found nothing against it
        self._back_at = now
        self.reason = ""
        self.look_at = self._next_look(now)

    def unreached(self, reason: str) -> bool:
        """Note that no connection was made; tell whether there have been enough failures."""
        self.failures += 1
        self._unreached += 1
        self.reason = reason
        return self._judge(enough=self._unreached >= (1 if self._on_trial else self._rule.failures))

    def failed(self, reason: str, asker: str, now: float) -> bool:
        """Note an answer that failed; tell whether there have been enough failures.

        Args:
            reason: a fixed word.
            asker: whose request it was.
            now: loop time.
        """
        self.failures += 1
        self._failing.add(asker)
        self.reason = reason
        people = 2 if self._on_trial else max(self._rule.failures, 2)
        enough = self._judge(enough=len(self._failing) >= people)
        if (
            not self._ill
            and now >= self._trusted_until
            and (self._on_trial or self.failures >= self._rule.failures)
        ):
            self._trusted_until = now + self._rule.out_seconds
            self.look_at = min(self.look_at, now)
        return enough

    def succeeded(self) -> None:
        """Note that a request was answered there."""
        self.failures = self._unreached = 0
        self._failing.clear()
        self._on_trial = False
        self._ill = self._bad_looks >= self._rule.failures

    @property
    def is_well(self) -> bool:
        """Whether it serves, and is not known to fail."""
        return self.in_service and not self._ill

    def _judge(self, *, enough: bool) -> bool:
        self.has_just_failed = enough and not self._ill
        self._ill = self._ill or enough
        return enough and self.in_service

    def found_well(self, now: float) -> bool:
        """Note a look that found it well; tell whether it may come back."""
        self._bad_looks = 0
        self._good_looks += 1
        if self.in_service and not (self._unreached or self._failing):
            self._ill = False
        self.look_at = self._next_look(now)
        if self.in_service:
            return False
        return self._good_looks >= self._rule.looks and now >= self._out_until

    def found_ill(self, reason: str, now: float) -> bool:
        """Note a look that did not; tell whether there have been enough of them."""
        self._good_looks = 0
        self._bad_looks += 1
        if self.in_service:
            self.reason = reason
            enough = self._judge(enough=self._bad_looks >= self._rule.failures)
            self.look_at = self._next_look(now)
            if self._rule.look_seconds is None and not enough:
                self.look_at = now  # nobody looks but for a suspicion, which is to be settled
            return enough
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
        self.in_service = self._on_trial = True
        self.reason = ""
        self.failures = 1  # so that the next answer is noted
        self._unreached = self._bad_looks = 0
        self._failing.clear()
        self._ill = self.has_just_failed = False
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
