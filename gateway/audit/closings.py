"""How visits ended: which entry closes which decision.

Most visits end as they were permitted, and nothing is to be said of that but five numbers. Such
outcomes are written many in one entry, under `closes`: for each the id of the decision, when, the
status, bytes out and in, and microseconds. Whatever ended otherwise has an entry of its own, which
names its decision as `corr`.
"""

from collections import deque
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, Final

from gateway.audit.entry import Closing, EntryDraft, Kind, Outcome, Phase

MOST_CLOSINGS: Final = 96  # in one entry: with the longest numbers it stays below the limit
_FIELDS: Final = ("corr", "time", "status", "bytes_out", "bytes_in", "duration_us")
_ID_CHARACTERS: Final = 32
_FIRST: Final = itemgetter(0)


class Outcomes:
    """Visits that ended as permitted, until they are written many in one entry.

    One thread adds, another takes.
    """

    def __init__(self, patience_seconds: float) -> None:
        """Start with none.

        Args:
            patience_seconds: How long one may lie where there are few.
        """
        self._patience_seconds = patience_seconds
        self._ended: deque[Closing] = deque()
        self._due = 0.0
        self.add: Callable[[Closing], None] = self._ended.append

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self._ended)

    def take(self, now: float, *, everything: bool) -> list[EntryDraft]:
        """Draft entries for as many as fill one, or for all where it is time.

        Args:
            now: On the monotonic clock.
            everything: Whether to wait for no more.
        """
        ended = self._ended
        drafts = []
        while ended and (len(ended) >= MOST_CLOSINGS or everything or now >= self._due):
            count = min(len(ended), MOST_CLOSINGS)
            drafts.append(closing_draft(tuple([ended.popleft() for _ in range(count)])))
            if not ended or count < MOST_CLOSINGS:
                self._due = now + self._patience_seconds
        return drafts


def closing_draft(closings: tuple[Closing, ...]) -> EntryDraft:
    """Draft the entry that closes visits, at the instant at which the last of them ended."""
    return EntryDraft(
        kind=Kind.ACCESS,
        at_us=closings[-1][1],
        phase=Phase.RESULT,
        outcome=Outcome.PERMIT,
        closes=closings,
    )


def closed_by(entry: Mapping[str, Any]) -> tuple[bytes, ...]:
    """List the ids of the decisions that a parsed envelope closes.

    Raises:
        LookupError, ValueError, TypeError: It does not say it as every entry does.
    """
    if "closes" in entry:
        ids = dict.fromkeys(map(str, map(_FIRST, entry["closes"])))
    else:
        ids = dict.fromkeys((entry["corr"],) if "corr" in entry else ())
    if not set(map(len, ids)) <= {_ID_CHARACTERS}:
        raise ValueError("closes")
    return tuple(map(bytes.fromhex, ids))


def as_result(entry: Mapping[str, Any], decision: bytes) -> dict[str, Any]:
    """Give what an envelope says of one decision it closes, as an envelope for that alone."""
    alone = {name: value for name, value in entry.items() if name != "closes"}
    for each in entry.get("closes", ()):
        if each[0] == decision.hex():
            alone.update(zip(_FIELDS, each, strict=True))
    return alone
