"""Two people are two accounts with two names."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.cli.register_change import RegisterChange
from gateway.cli.vetting_proposals import FOLDER, Proposal, Proposals
from gateway.errors import CommandError

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
CHANGE = RegisterChange(act="restore", person="", values={"grant": "g1"})


def proposed(folder: Path, *, by_account: bool = True) -> tuple[Proposals, Proposal]:
    proposals = Proposals(folder, by_account=by_account)
    return proposals, proposals.add(CHANGE, by="m.jones", account="mjones", at=AT)


def test_two_names_from_one_account_are_one_person(tmp_path: Path) -> None:
    """Anybody can type a name; the account they logged in with they cannot choose."""
    proposals, proposal = proposed(tmp_path)

    with pytest.raises(CommandError, match="from the account `mjones` too"):
        proposals.claim(proposal.id, approver="a.khan", account="mjones")
    with pytest.raises(CommandError, match="jones` proposed this"):
        proposals.claim(proposal.id, approver="M.Jones ", account="akhan")
    assert proposals.claim(proposal.id, approver="a.khan", account="akhan") == proposal


def test_where_names_suffice_two_names_do(tmp_path: Path) -> None:
    proposals, proposal = proposed(tmp_path, by_account=False)

    assert proposals.claim(proposal.id, approver="a.khan", account="mjones") == proposal


def test_anybody_may_drop_one(tmp_path: Path) -> None:
    proposals, proposal = proposed(tmp_path)

    assert proposals.claim(proposal.id, approver=None, account="mjones") == proposal
    proposals.done(proposal)
    assert proposals.waiting() == ()


def test_it_is_kept_for_the_service_alone_and_read_back_whole(tmp_path: Path) -> None:
    proposals, proposal = proposed(tmp_path)
    file = tmp_path / FOLDER / f"{proposal.id}.json"

    assert proposals.waiting() == (proposal,)
    assert file.stat().st_mode & 0o077 == 0
    file.write_text('{"act": "restore"}')
    with pytest.raises(CommandError, match="missing or wrong"):
        proposals.waiting()
