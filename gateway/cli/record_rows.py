"""Every access on the record, page by page, for commands that add up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gateway.cli.terminal import Progress

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.audit.search import AuditRow
    from gateway.settings import Settings

_PAGE = 500


def accesses(
    settings: Settings, *, since: datetime | None = None, until: datetime | None = None
) -> Iterator[AuditRow]:
    """Give every access, newest first, with what is personal decrypted; shows progress.

    Args:
        settings: where record and keys are.
        since: from this instant on.
        until: before this instant.

    Raises:
        RecordError: there is no log, or it cannot be read.
        KeysError: the keys cannot be read.
    """
    from gateway.audit.entry import Kind
    from gateway.audit.search import AuditFilter, search
    from gateway.keys import KeyRing

    ring = KeyRing.open(settings.keys.directory)
    before: int | None = None
    read = 0
    with Progress("reading the record") as progress:
        while True:
            wanted = AuditFilter(
                kind=Kind.ACCESS, since=since, until=until, limit=_PAGE, before=before
            )
            page = search(settings.record.directory / "log", ring, wanted)
            yield from page.rows
            read += len(page.rows)
            progress(read, 0)
            before = page.next
            if before is None:
                return
