"""Puts the demo's policy set in force again when its files have changed since the last start.

The gateway itself takes its files at the first start only. The demo's files come with the program
and its data are kept between runs, so what changed meanwhile is put in force here, as two people
would. A set that somebody put in force in the demo stays until the files change.

A scenario plays on a day of its history. The gateway knows no day but today: so the days in the
policy set are moved, all by as much, until the day that is played is today.
"""

from __future__ import annotations

import re
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import Engine

from gateway.bulletin import Bulletin
from gateway.policy_versions import PolicyVersions
from policies.policy_files import PolicyFiles

BY = "demo set-up"
APPROVED_BY = "demo set-up, second part"
# Days that decide something: of an agreement, and of a rule.
_DAY = re.compile(
    r"^((?:start|end|review_due|dsa_expires|starts|ends)\s*=\s*)(\d{4}-\d\d-\d\d)", re.MULTILINE
)


def played_on(files: PolicyFiles, day: date | None, today: date) -> PolicyFiles:
    """Move the days of a policy set so that one day of its history is today.

    Args:
        files: the set.
        day: the day that is played; None leaves everything as it is.
        today: the day it is.
    """
    if day is None or day == today:
        return files
    moved = today - day
    remark = f"# The days below are moved by {moved.days}, so that {day} is {today}.\n"

    def move(text: str) -> str:
        return _DAY.sub(lambda found: f"{found[1]}{_moved(found[2], moved)}", text)

    texts = {
        name: remark + move(text) if _DAY.search(text) else text
        for name, text in files.texts.items()
    }
    return PolicyFiles(MappingProxyType(texts))


def _moved(written: str, by: timedelta) -> str:
    return (date.fromisoformat(written) + by).isoformat()


def put_in_force(store: Engine, state: Path, files: PolicyFiles, stamp: Path, at: datetime) -> bool:
    """Bring the set in force up to the files.

    Args:
        store: the gateway's database, migrated.
        state: the folder it lies in.
        files: the set.
        stamp: keeps the digest of the files of the last start.
        at: now.

    Returns:
        Whether anything had changed.
    """
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
