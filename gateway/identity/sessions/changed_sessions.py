"""Which sessions of a worker the bulletin means."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from gateway.bulletin import ALL_SESSIONS, EVERYTHING, POLICY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.identity.sessions.live_session import LiveSession

_ALL = frozenset({EVERYTHING, ALL_SESSIONS, POLICY})
_OF_SESSIONS = frozenset({"session", "staff", "person", "organisation", "directory"})


class ChangedSessions:
    """What a read of the bulletin says of sessions.

    Attributes:
        everybody: whether it is about all of them.
        hashes: those that are named themselves.
    """

    __slots__ = ("_named", "everybody", "hashes")

    def __init__(self, subjects: frozenset[str]) -> None:
        """Read the subjects; what is about something else is passed over."""
        self._named: defaultdict[str, set[str]] = defaultdict(set)
        for subject in subjects:
            kind, _, name = subject.partition(":")
            if kind in _OF_SESSIONS:
                self._named[kind].add(name)
        self.everybody = not subjects.isdisjoint(_ALL)
        self.hashes = frozenset(self._named.pop("session", ()))

    def __bool__(self) -> bool:
        """Tell whether it is about any session."""
        return self.everybody or bool(self.hashes or self._named)

    def among(self, sessions: Iterable[LiveSession]) -> list[LiveSession]:
        """Give those of some sessions whose person, organisation or directory is named.

        One pass over all for each kind that is named: with 100,000 sessions some milliseconds.
        """
        if self.everybody:
            return list(sessions)
        sessions = list(sessions) if self._named else ()
        found: list[LiveSession] = []
        if staff_ids := self._named.get("staff"):
            found += [live for live in sessions if live.session.staff_id in staff_ids]
        if organisations := self._named.get("organisation"):
            found += [live for live in sessions if live.session.organisation in organisations]
        if directories := self._named.get("directory"):
            found += [live for live in sessions if live.session.directory in directories]
        if people := self._named.get("person"):
            pairs = {tuple(person.split("/", 1)) for person in people}
            found += [
                live
                for live in sessions
                if (live.staff.organisation, live.staff.employee_number) in pairs
            ]
        return found
