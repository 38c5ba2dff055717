"""Style sheets, scripts and images of the back office: a session is needed, no tile, no decision.

They are listed per system in the settings. The first of a session and minute is recorded before it
is served; how many followed is recorded once the minute is over, as one entry with a count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.audit.entry import EntryDraft, Kind, Outcome, Phase
from gateway.drafts import refusal_draft

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Collection, Mapping, Sequence

    from gateway.backoffice.canonical import CanonicalTarget
    from gateway.identity.sessions.live_session import LiveSession
    from gateway.visit import Visit

_MINUTE_US: Final = 60_000_000
RESOURCES_CODE: Final = "resources"


class ResourcePaths:
    """Which canonical path is a resource of which system."""

    def __init__(self, by_system: Mapping[str, Sequence[str]]) -> None:
        """Take literal paths, and prefixes that end in `/*`."""
        self._literal: dict[str, str] = {}
        self._prefixes: list[tuple[str, str]] = []
        for system, paths in by_system.items():
            for path in paths:
                if path.endswith("/*"):
                    self._prefixes.append((path[:-1], system))
                else:
                    self._literal[path] = system

    def system_of(
        self, method: str, target: CanonicalTarget, declared: Collection[str]
    ) -> str | None:
        """Give the system that serves this resource, or None when it is none.

        What names a function, a person or a page is no resource: a back office may go by that
        whatever the path, and nobody decides on a resource.

        Args:
            method: as sent.
            target: the canonical one.
            declared: the parameters that name those, as the catalogue spells them.
        """
        if method not in {"GET", "HEAD"} or any(name in declared for name, _ in target.query):
            return None
        path = target.path
        found = self._literal.get(path)
        if found is not None:
            return found
        for prefix, system in self._prefixes:
            if path.startswith(prefix) and len(path) > len(prefix):
                return system
        return None


@dataclass(slots=True, kw_only=True, eq=False)
class Counted:
    """The resources of one session, system and minute.

    Attributes:
        key: minute, hash of the session, system.
        first: the entry to be recorded before any of them is served.
        durable: done once it is, failed if it could not be; None until somebody has begun.
        more: how many came after the first.
    """

    key: tuple[int, str, str]
    first: EntryDraft
    durable: asyncio.Future[None] | None = None
    more: int = 0


class ResourceTally:
    """Counts resources by session, system and minute. On the event loop only."""

    def __init__(self) -> None:
        """Start empty."""
        self._counts: dict[tuple[int, str, str], Counted] = {}

    def count(self, visit: Visit, live: LiveSession, system: str) -> Counted:
        """Count one; it may be served once the first entry of its minute is durable."""
        key = (visit.at_us // _MINUTE_US, live.session.hash, system)
        known = self._counts.get(key)
        if known is not None:
            known.more += 1
            return known
        draft = refusal_draft(visit, Kind.ACCESS, RESOURCES_CODE, 200)
        draft.outcome = Outcome.PERMIT
        draft.phase = Phase.RESULT
        draft.system = system
        counted = self._counts[key] = Counted(key=key, first=draft)
        return counted

    def forget(self, counted: Counted) -> None:
        """Drop what could not be recorded: nothing of it was served."""
        if self._counts.get(counted.key) is counted:
            del self._counts[counted.key]

    def flush(self, at_us: int, *, everything: bool = False) -> list[EntryDraft]:
        """Give an entry for each minute that is over and had more than its first resource."""
        minute = at_us // _MINUTE_US
        drafts = []
        for key in [key for key in self._counts if everything or key[0] < minute]:
            counted = self._counts.pop(key)
            if counted.more:
                draft = counted.first.result(Outcome.PERMIT, at_us=at_us)
                draft.code = RESOURCES_CODE
                draft.system = counted.first.system
                draft.count = counted.more
                drafts.append(draft)
        return drafts
