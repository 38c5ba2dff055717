"""When somebody who keeps failing may try again: the rule, without a store and without a clock.

A directory locks an account after so many wrong passwords. Whoever could send that many through the
gateway could lock out anybody whose name they know, so the gate stops before, and counts as
directories do: failures belong to one *run* while less than the directory's window lies between
one and the next.

1. After `per_person` failures in a run nobody may try for a whole window, so that the run is over
   at the directory too. Each further lock doubles the wait.
2. An officer may lift a lock. The directory knows nothing of that, so its run goes on: at
   `per_directory` the window has to be waited for, whatever was lifted.
3. A try whose answer never came counts for 2 only: the directory may have counted it, but nobody is
   to blame.
4. Signing in does not wipe out failures, or a guesser would get a fresh set each morning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

MICROSECOND = timedelta(microseconds=1)

MOST_FAILURES = 10
"""The most failures of a run that are borne, however many the directory would."""

LONGEST_WAIT = timedelta(hours=4)
"""Half a shift: longer would let a guesser keep people from their work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptLimits:
    """How many failures are borne.

    Attributes:
        per_person: failures of one person in a run; then the wait begins.
        per_directory: tries that may reach the directory in a run, lifted locks included.
        window: failures this far apart belong to different runs; as long as the directory's.
        longest_wait: where the doubling ends.
        per_source: failures from one address at one organisation within `source_window`; a
            station's staff share an address.
        per_source_anywhere: failures from one address at all organisations.
        source_window: failures longer ago do not count against a source.
    """

    per_person: int = 3
    per_directory: int = 4
    window: timedelta = timedelta(minutes=30)
    longest_wait: timedelta = LONGEST_WAIT
    per_source: int = 100
    per_source_anywhere: int = 300
    source_window: timedelta = timedelta(minutes=15)

    def __post_init__(self) -> None:
        """Refuse limits that lock nobody, or everybody."""
        if not 1 <= self.per_person <= self.per_directory or self.window <= timedelta(0):
            message = "lockout: a person has at least one try, and no more than the directory bears"
            raise ValueError(message)

    @classmethod
    def below(cls, threshold: int, window: timedelta) -> Self:
        """Give limits that keep a directory from ever locking an account because of us.

        Somewhat over half of what it bears is taken, so that mistakes made elsewhere, such as at
        the person's own desktop, and a lock that an officer lifts have room.

        Args:
            threshold: wrong passwords at which the directory locks (2 or more); 0 for never.
            window: how far apart they may be to count together there.
        """
        if threshold == 0:
            per_person, per_directory = MOST_FAILURES, 10 * MOST_FAILURES
        else:
            per_directory = threshold - 1
            per_person = min(MOST_FAILURES, per_directory, threshold // 2 + 1)
        return cls(
            per_person=per_person,
            per_directory=per_directory,
            window=window,
            longest_wait=max(window, LONGEST_WAIT),
        )

    @property
    def remembered(self) -> timedelta:
        """How long a failure can make a difference."""
        return max(timedelta(days=1), 2 * self.window)


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """A password that was sent to a directory and not found right.

    Attributes:
        at_us: when, microseconds since 1970 UTC.
        judged: whether the directory said that it was wrong.
    """

    at_us: int
    judged: bool = True


def locked_until(tries: Iterable[Try], limits: AttemptLimits, *, lifted_at_us: int = 0) -> int:
    """Tell until when nobody may try, in microseconds since 1970 UTC; 0 if there is no lock.

    Args:
        tries: of one person, the earliest first.
        limits: what is borne.
        lifted_at_us: when an officer last lifted their lock.
    """
    window_us = limits.window // MICROSECOND
    longest_us = limits.longest_wait // MICROSECOND
    blamed = run = locks = until = last = 0
    lifted = lifted_at_us == 0
    for each in tries:
        if not lifted and each.at_us > lifted_at_us:
            blamed, locks, until, lifted = 0, 0, 0, True
        if each.at_us - last >= window_us:
            blamed = run = 0
        last = each.at_us
        run += 1
        blamed += each.judged
        if blamed >= limits.per_person:
            locks += 1
            until = last + min(window_us << (locks - 1), longest_us)
        elif run >= limits.per_directory:
            until = last + window_us
    if lifted:
        return until
    return last + window_us if run >= limits.per_directory else 0
