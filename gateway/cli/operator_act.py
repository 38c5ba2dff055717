"""An act of an operator at the command line: on the record before it takes effect.

1. The entry with the operator's name is durable before anything is changed; if it cannot be, the
   command refuses and nothing has happened.
2. Afterwards a second entry says how it ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.audit.disk import Disk
from gateway.audit.entry import EntryDraft, Kind, Outcome, new_draft
from gateway.audit.recorder import Recorder
from gateway.audit.recorder_limits import RecorderLimits
from gateway.cli.opening import current_instant, microseconds
from gateway.operational_log import configure_operational_log

if TYPE_CHECKING:
    from gateway.keys import KeyRing
    from gateway.settings import Settings

WRITER = "cli"
# A command writes two entries, so it sets aside far less than a worker does.
LIMITS = RecorderLimits(segment_bytes=256 << 10, reserve_bytes=64 << 10)
OPERATOR_CHARACTERS = 80  # of a name as it goes into the record


@contextmanager
def operator_act(
    settings: Settings,
    ring: KeyRing,
    *,
    kind: Kind,
    code: str,
    operator: str,
    at: datetime,
    subject: str = "",
    detail: Mapping[str, object] | None = None,
) -> Iterator[EntryDraft]:
    """Record an act, let it happen, and record how it ended.

    Args:
        settings: where the record is.
        ring: for sealing.
        kind: what sort of act.
        code: which act, such as `vetting-suspended`.
        operator: who does it; encrypted in the entry.
        at: when.
        subject: whose data, as `organisation/number`.
        detail: what exactly; encrypted in the entry.

    Yields:
        The entry that was recorded, for its reference.

    Raises:
        RecordError: it cannot be recorded, so it did not happen.
    """
    draft = new_draft(kind, Outcome.PERMIT, at_us=microseconds(at))
    draft.code = code
    draft.organisation = settings.gateway.host_organisation
    draft.actor_name = f"{operator[:OPERATOR_CHARACTERS]} (command line)"
    draft.subject = subject
    draft.detail = json.dumps(dict(detail or {}), default=str, sort_keys=True)
    # Only what is wrong: the answer of the command is not to be mixed with lines for operators.
    log = settings.operational_log.model_copy(update={"level": "error"})
    configure_operational_log(log, component="command")
    if not settings.record.directory.is_dir():
        Disk().make_directory(settings.record.directory, 0o700)
    recorder = Recorder(
        directory=settings.record.directory, key_ring=ring, writer=WRITER, limits=LIMITS
    )
    recorder.start()
    try:
        recorder.record_and_wait(draft)
        outcome = Outcome.ERROR
        try:
            yield draft
            outcome = Outcome.PERMIT
        finally:
            closing = draft.result(outcome, at_us=microseconds(current_instant()))
            closing.code = code
            recorder.queue(closing)
    finally:
        recorder.close()
