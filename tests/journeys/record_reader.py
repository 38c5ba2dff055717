"""Reads the sealed record of a demo, as its owner with the keys may."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime

from deploy.demo.places import Places
from gateway.audit.entry import Kind
from gateway.audit.search import AuditFilter, AuditRow, search
from gateway.keys import KeyRing

SEALED_SECONDS = 15.0
POLL_SECONDS = 0.1


def entries_of(
    places: Places,
    references: Iterable[str],
    *,
    until: Callable[[AuditRow], bool] = lambda _: True,
) -> dict[str, AuditRow]:
    """Find the entries of visits, waiting until they are sealed and as wanted, or time is up.

    Args:
        places: of the demo.
        references: of the visits.
        until: what an entry has to be like before it counts as found.
    """
    wanted = set(references)
    keys = KeyRing.open(places.keys)
    found: dict[str, AuditRow] = {}
    latest = time.monotonic() + SEALED_SECONDS
    while True:
        for reference in wanted - found.keys():
            rows = search(places.record / "log", keys, AuditFilter(reference=reference)).rows
            found |= {row.reference: row for row in rows if until(row)}
        if wanted <= found.keys() or time.monotonic() > latest:
            return found
        time.sleep(POLL_SECONDS)


def entries_since(places: Places, since: datetime, kind: Kind) -> tuple[AuditRow, ...]:
    """Find the entries of a kind from an instant on, newest first, waiting for the first one."""
    keys = KeyRing.open(places.keys)
    latest = time.monotonic() + SEALED_SECONDS
    while True:
        rows = search(places.record / "log", keys, AuditFilter(since=since, kind=kind)).rows
        if rows or time.monotonic() > latest:
            return rows
        time.sleep(POLL_SECONDS)
