"""Everybody whom a directory has vouched for, as the subjects of decisions, many at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from sqlalchemy import func, select

from gateway.errors import NotEmployed
from gateway.identity.staff import staff_after
from gateway.identity.subject import subject_reader
from gateway.store import schema
from vetting.person import PersonKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.identity.staff import Staff
    from policies.question import Subject
    from vetting.register_reading import RegisteredPerson

AT_ONCE: Final = 250
"""People who are read together: a few milliseconds' work."""


class ManyReader(Protocol):
    """What is read from the host's register; `vetting.register.Register` does it."""

    def read_all(
        self, connection: Connection, people: Sequence[PersonKey]
    ) -> tuple[RegisteredPerson, ...]:
        """Read what the register has of some people, in their order."""
        ...


class _Read:
    """Gives what was read of the register for many people at once."""

    def __init__(self, people: dict[PersonKey, RegisteredPerson]) -> None:
        self._people = people

    def read(self, connection: Connection, person: PersonKey) -> RegisteredPerson:  # noqa: ARG002
        return self._people[person]


def subjects_of(
    connection: Connection,
    staff: Iterable[Staff],
    register: ManyReader,
    kinds: Mapping[str, str],
    kept_here: frozenset[str],
    at: datetime,
) -> Iterator[Subject]:
    """Give those of some staff who work there now; see `subject_reader` for what it takes.

    People of an organisation that is not known any more are nobody, and left out.
    """
    known_here = [each for each in staff if each.organisation in kinds]
    keys = [PersonKey.from_text(each.person) for each in known_here]
    known = dict(zip(keys, register.read_all(connection, keys), strict=True))
    read = subject_reader(_Read(known), kinds, kept_here)
    for each in known_here:
        try:
            yield read(connection, each, at).subject
        except NotEmployed:
            continue


def everybody(
    reading: Callable[[], AbstractContextManager[Connection]],
    register: ManyReader,
    kinds: Mapping[str, str],
    kept_here: frozenset[str],
    at: datetime,
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[Subject]:
    """Give everybody who works there now; each portion is read by a connection of its own.

    Args:
        reading: opens the store for reading.
        register: the host's register.
        kinds: organisation id to its kind.
        kept_here: the organisations that keep memberships in the register.
        at: now.
        progress: is told how many were looked at, after each portion.
    """
    last, looked_at = "", 0
    while True:
        with reading() as connection:
            portion = staff_after(connection, last, limit=AT_ONCE)
            subjects = list(subjects_of(connection, portion, register, kinds, kept_here, at))
        yield from subjects
        looked_at += len(portion)
        progress(looked_at)
        if len(portion) < AT_ONCE:
            return
        last = portion[-1].staff_id


def count_staff(connection: Connection) -> int:
    """Count everybody whom a directory has vouched for."""
    return int(connection.execute(select(func.count()).select_from(schema.staff)).scalar_one())
