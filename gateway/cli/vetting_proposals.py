"""Changes to the register that loosen, waiting for a second person.

A proposal is a file of its own in the state directory, readable by the service's account alone.
Whoever can write there could write to the register too, so the files give nobody more than they
had; that two people took part is shown by the record, where proposal and approval are entries.

Two people are two login accounts (`gateway.cli.operator_account`) with two names. Where the
settings say `two_officers = "names"`, as for a trial on one machine, two names suffice; those prove
nothing.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.cli.register_change import CODES, RegisterChange
from gateway.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.settings import Settings

FOLDER = "vetting-proposals"
_ID = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A change somebody proposed.

    Attributes:
        id: eight hexadecimal digits.
        by: who proposed it.
        account: the account it was proposed from.
        at: when, ISO 8601.
        change: what.
    """

    id: str
    by: str
    account: str
    at: str
    change: RegisterChange

    def to_json(self) -> dict[str, Any]:
        """Write it as JSON."""
        change = {"act": self.change.act, "person": self.change.person}
        own = {"id": self.id, "by": self.by, "account": self.account, "at": self.at}
        return {**own, **change, "values": dict(self.change.values)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Proposal:
        """Read what `to_json` wrote.

        Raises:
            CommandError: it is not of that form.
        """
        try:
            act, person = str(data.pop("act")), str(data.pop("person"))
            own = {key: str(data.pop(key)) for key in ("id", "by", "account", "at")}
            values = dict(data.pop("values"))
        except (KeyError, TypeError, ValueError) as error:
            raise CommandError(f"read proposal: {error} is missing or wrong") from error
        if act not in CODES:
            raise CommandError("read proposal: its act is unknown")
        values = {key: None if value is None else str(value) for key, value in values.items()}
        return cls(**own, change=RegisterChange(act=act, person=person, values=values))


class Proposals:
    """The proposals of one gateway."""

    def __init__(self, state_directory: Path, *, by_account: bool) -> None:
        """Keep them below this folder.

        Args:
            state_directory: of the gateway.
            by_account: whether two people must have two login accounts, not only two names.
        """
        self._folder = state_directory / FOLDER
        self._by_account = by_account

    @classmethod
    def of(cls, settings: Settings) -> Proposals:
        """Give those of a gateway."""
        by_account = settings.vetting.two_officers == "accounts"
        return cls(settings.gateway.state_directory, by_account=by_account)

    def add(self, change: RegisterChange, *, by: str, account: str, at: datetime) -> Proposal:
        """Keep a proposal until somebody decides on it."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        stamp = at.isoformat(timespec="seconds")
        proposal = Proposal(
            id=secrets.token_hex(4), by=by, account=account, at=stamp, change=change
        )
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(self._path(proposal.id), flags, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(proposal.to_json(), file, ensure_ascii=False)
            file.flush()
            os.fsync(descriptor)
        return proposal

    def waiting(self) -> tuple[Proposal, ...]:
        """List the proposals, the earliest first."""
        if not self._folder.is_dir():
            return ()
        read = [self._read(path) for path in self._folder.glob("*.json")]
        return tuple(sorted(read, key=lambda proposal: proposal.at))

    @contextmanager
    def decided(
        self, proposal_id: str, *, approver: str | None, account: str
    ) -> Iterator[Proposal]:
        """Take a proposal out while it is decided on, so that no second command can act on it.

        It is forgotten afterwards; where what was decided could not be done, it waits again.

        Args:
            proposal_id: which.
            approver: who approves; None for dropping it, which anybody may.
            account: the account they do it from.

        Raises:
            CommandError: there is none, or the approver is who proposed it.
        """
        path = self._path(proposal_id)
        proposal = self._admitted(path, proposal_id, approver, account)
        claimed = path.with_suffix(".claimed")
        try:
            path.rename(claimed)
        except FileNotFoundError as error:
            raise CommandError("approve: somebody else is deciding on this proposal now") from error
        try:
            yield proposal
        except BaseException:
            claimed.rename(path)
            raise
        claimed.unlink()

    def _admitted(
        self, path: Path, proposal_id: str, approver: str | None, account: str
    ) -> Proposal:
        if not path.is_file():
            raise CommandError(
                f"approve: no proposal `{proposal_id[:20]}` waits; see `gateway vetting proposals`"
            )
        proposal = self._read(path)
        if approver is not None and approver.casefold().strip() == proposal.by.casefold().strip():
            raise CommandError(
                f"approve: `{proposal.by}` proposed this; somebody else must approve it"
            )
        if approver is not None and self._by_account and account == proposal.account:
            raise CommandError(
                f"approve: this was proposed from the account `{account}` too; somebody else must"
                " approve it, logged in as themselves"
            )
        return proposal

    def _path(self, proposal_id: str) -> Path:
        if not _ID.fullmatch(proposal_id):
            raise CommandError(f"approve: `{proposal_id[:20]}` is not the id of a proposal")
        return self._folder / f"{proposal_id}.json"

    def _read(self, path: Path) -> Proposal:
        try:
            data = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise CommandError(f"read proposal: `{path}` cannot be read; remove it") from error
        if not isinstance(data, dict):
            raise CommandError(f"read proposal: `{path}` cannot be read; remove it")
        return Proposal.from_json(data)
