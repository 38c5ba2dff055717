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

    for approver, account, why in (
        ("a.khan", "mjones", "from the account `mjones` too"),
        ("M.Jones ", "akhan", "jones` proposed this"),
    ):
        with (
            pytest.raises(CommandError, match=why),
            proposals.decided(proposal.id, approver=approver, account=account),
        ):
            pass
    with proposals.decided(proposal.id, approver="a.khan", account="akhan") as found:
        assert found == proposal


def test_where_names_suffice_two_names_do(tmp_path: Path) -> None:
    proposals, proposal = proposed(tmp_path, by_account=False)

    with proposals.decided(proposal.id, approver="a.khan", account="mjones") as found:
        assert found == proposal


def test_anybody_may_drop_one(tmp_path: Path) -> None:
    proposals, proposal = proposed(tmp_path)

    with proposals.decided(proposal.id, approver=None, account="mjones") as found:
        assert found == proposal
    assert proposals.waiting() == ()


def test_one_is_decided_on_once_and_waits_again_where_that_fails(tmp_path: Path) -> None:
    proposals, proposal = proposed(tmp_path)

    def fail() -> None:
        assert proposals.waiting() == ()
        raise RuntimeError("no disk")

    with (
        pytest.raises(RuntimeError, match="no disk"),
        proposals.decided(proposal.id, approver="a.khan", account="akhan"),
    ):
        fail()
    assert proposals.waiting() == (proposal,)


def test_it_is_kept_for_the_service_alone_and_read_back_whole(tmp_path: Path) -> None:
    proposals, proposal = proposed(tmp_path)
    file = tmp_path / FOLDER / f"{proposal.id}.json"

    assert proposals.waiting() == (proposal,)
    assert file.stat().st_mode & 0o077 == 0
    file.write_text('{"act": "restore"}')
    with pytest.raises(CommandError, match="missing or wrong"):
        proposals.waiting()
