"""Puts the demo's policy set in force again when its files have changed since the last start.

The gateway itself takes its files at the first start only. The demo's files come with the program
and its data are kept between runs, so what changed meanwhile is put in force here, as two people
would. A set that somebody put in force in the demo stays until the files change.
"""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from gateway.bulletin import Bulletin
from gateway.policy_versions import PolicyVersions
from policies.policy_files import PolicyFiles

BY = "demo set-up"
APPROVED_BY = "demo set-up, second part"


def put_in_force(store: Engine, state: Path, directory: Path, stamp: Path, at: datetime) -> bool:
    """Bring the set in force up to the files.

    Args:
        store: the gateway's database, migrated.
        state: the folder it lies in.
        directory: the files.
        stamp: keeps the digest of the files of the last start.
        at: now.

    Returns:
        Whether anything had changed.
    """
    files = PolicyFiles.read(directory)
    policy_set = files.load()
    if stamp.exists() and stamp.read_text("ascii") == policy_set.digest:
        return False
    with closing(Bulletin(state)) as bulletin:
        versions = PolicyVersions(store, bulletin)
        base = versions.begin(files, policy_set, at=at)
        changed = base.digest != policy_set.digest
        if changed:
            number = versions.propose(
                files,
                policy_set.digest,
                base=base.number,
                loosens=True,
                reason="the files of the demo have changed",
                by=BY,
                at=at,
            ).number
            versions.put_in_force(number, by=APPROVED_BY, at=at)
    stamp.write_text(policy_set.digest, "ascii")
    return changed
