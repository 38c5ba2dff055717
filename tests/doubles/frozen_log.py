"""A small record as the program of its day wrote it, packed into one file and unpacked again.

    python -m tests.doubles.frozen_log tests/gateway/audit/older_logs/version-5.tar.xz

Made once for each version of the log, by the tree of that version, before the next one is begun: a
test asks for it as soon as there is a new number
(this file was copied into those that had none). Everybody in it is made up; its keys were never
used for anything else.
"""

from __future__ import annotations

import json
import sys
import tarfile
import tempfile
from datetime import timedelta
from pathlib import Path

from gateway.audit.entry import EntryDraft, Kind, Outcome, new_draft
from gateway.keys import KeyPurpose
from tests.doubles.record import START, RecordBench, decision, microseconds

FACTS = "facts.json"
"""Beside `record` and `keys`: the checkpoints that were held, and what had been acknowledged."""


def freeze(packed: Path) -> None:
    """Make such a record and pack it."""
    with tempfile.TemporaryDirectory() as folder:
        bench = RecordBench(Path(folder))
        others = [kind for kind in Kind if kind is not Kind.ACCESS]
        drafts = _sitting(bench, 0, *others)
        bench.drain()
        held = [bench.checkpoint()]
        bench.key_ring = bench.key_ring.rotate(KeyPurpose.LOG_SIGNING, at=bench.at)
        bench.at += timedelta(minutes=1)
        drafts += _sitting(bench, 100)
        bench.drain()
        held.append(bench.checkpoint())
        drafts += _sitting(bench, 200)  # stays in the journal
        facts = {
            "held": held,
            "size": len(bench.ids()),
            "acknowledged": [[each.id.hex(), each.reference, each.staff_id] for each in drafts],
        }
        (Path(folder) / FACTS).write_text(json.dumps(facts), "utf-8")
        packed.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(packed, "w:xz", preset=9) as archive:
            archive.add(folder, arcname=".", filter=_of_nobody)


def unpack(packed: Path, folder: Path) -> RecordBench:
    """Unpack such a record; an hour has gone by since it was written."""
    with tarfile.open(packed) as archive:
        archive.extractall(folder)  # noqa: S202 - our own, and Debian's 3.11 knows no filter
    return RecordBench.found(folder, at=START + timedelta(hours=1))


def _sitting(bench: RecordBench, first: int, *kinds: Kind) -> list[EntryDraft]:
    """Record visits that ended in every way, and an entry of each of those kinds."""
    at_us = microseconds(bench.at)
    refused = decision(first, outcome=Outcome.DENY, at_us=at_us)
    failed, ended, lasting = (decision(first + n, at_us=at_us + n) for n in (1, 2, 3))
    drafts = [refused, failed, ended, lasting, failed.result(Outcome.ERROR, at_us=at_us + 900)]
    for kind in kinds:
        alone = new_draft(kind, Outcome.PERMIT, at_us=at_us + 4)
        alone.organisation, alone.staff_id = "nwas", f"nwas/{kind}"
        drafts.append(alone)
    with bench.recorder() as recorder:
        for draft in drafts:
            recorder.record_and_wait(draft)
        if hasattr(recorder, "close_visit"):  # from version 3 on
            recorder.close_visit((ended.id.hex(), at_us + 900, 200, 4_000, 0, 898))
        else:
            recorder.record_and_wait(ended.result(Outcome.PERMIT, at_us=at_us + 900))
    return drafts


def _of_nobody(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


if __name__ == "__main__":
    freeze(Path(sys.argv[1]))
