"""Agreements: whom they cover, for what and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from policies.agreements import Agreement, AgreementStatus, LegalBasis, load_agreements
from policies.errors import PolicyError, PolicyFileError
from vetting.levels import LevelOrder

if TYPE_CHECKING:
    from pathlib import Path

ORDER = LevelOrder.shipped()
AGREED = Agreement(
    id="blue-light",
    title="Blue Light",
    legal_basis=LegalBasis.POLICE_ACT_1996_S22A,
    parties=frozenset({"police", "fire"}),
    host="police",
    functions=frozenset({"pay.slip", "hr.me"}),
    start=date(2018, 4, 1),  # in summer time: the day begins at 23:00 UTC of 31 March
    end=date(2019, 1, 31),  # in winter time: the day ends at 24:00 UTC
    dsa_ref="DSA/1",
    dpia_ref="DPIA/1",
    status=AgreementStatus.IN_FORCE,
)
FIRST = datetime(2018, 3, 31, 23, tzinfo=UTC)
AFTER = datetime(2019, 2, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("at", "covered"),
    [(FIRST - TICK, False), (FIRST, True), (AFTER - TICK, True), (AFTER, False)],
)
def test_it_covers_from_the_first_moment_of_its_start_to_the_last_of_its_end_in_london(
    at: datetime, *, covered: bool
) -> None:
    """An hour's difference at either end would let somebody in for an hour, or keep them out."""
    assert AGREED.covers("fire", "pay.slip", at=at) is covered


def test_an_agreement_without_an_end_covers_as_long_as_one_likes() -> None:
    endless = replace(AGREED, end=None)

    assert endless.covers("fire", "pay.slip", at=datetime(2200, 1, 1, tzinfo=UTC))
    assert endless.changes_at() == (FIRST,)


def test_it_ends_with_its_data_sharing_agreement() -> None:
    """Without a live data-sharing agreement nothing is shared, however long the agreement runs."""
    ending = replace(AGREED, dsa_expires=date(2018, 6, 30))
    last = datetime(2018, 6, 30, 23, tzinfo=UTC)

    assert ending.covers("fire", "pay.slip", at=last - TICK)
    assert not ending.covers("fire", "pay.slip", at=last)
    assert ending.changes_at() == (FIRST, last)


@pytest.mark.parametrize("status", [AgreementStatus.SUSPENDED, AgreementStatus.ENDED])
def test_only_an_agreement_in_force_covers(status: AgreementStatus) -> None:
    assert not replace(AGREED, status=status).covers("fire", "pay.slip", at=FIRST)


def test_it_covers_neither_strangers_nor_functions_it_does_not_name() -> None:
    assert not AGREED.covers("ambulance", "pay.slip", at=FIRST)
    assert not AGREED.covers("fire", "pay.run", at=FIRST)


def test_the_hosts_own_staff_are_covered_only_by_an_agreement_of_the_host_alone() -> None:
    """Suspending `host-own-staff` must not be undone by what the host signed with a partner."""
    own = replace(AGREED, parties=frozenset({"police"}))

    assert not AGREED.covers("police", "pay.slip", at=FIRST)
    assert own.covers("police", "pay.slip", at=FIRST)


def test_an_overdue_review_warns_and_ends_nothing() -> None:
    due = replace(AGREED, review_due=date(2018, 4, 30))
    after = datetime(2018, 4, 30, 23, tzinfo=UTC)

    assert not due.review_overdue(at=after - TICK)
    assert due.review_overdue(at=after)
    assert due.covers("fire", "pay.slip", at=after)
    assert not AGREED.review_overdue(at=AFTER)


def test_an_agreement_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(PolicyError, match="is not a party"):
        replace(AGREED, host="council")
    with pytest.raises(PolicyError, match="ends before it starts"):
        replace(AGREED, end=date(2018, 3, 31))


TEXT = """
[[agreement]]
id = "blue-light"
title = "Blue Light"
legal_basis = "s22A"
parties = ["police", "fire"]
host = "police"
functions = ["pay.slip", "hr.me"]
start = 2018-04-01
end = 2019-01-31
dsa_ref = "DSA/1"
dpia_ref = "DPIA/1"
status = "in-force"
"""


def test_a_file_is_read_to_the_agreements_it_says(tmp_path: Path) -> None:
    path = tmp_path / "agreements.toml"
    path.write_text(TEXT)

    assert load_agreements(path, order=ORDER) == (AGREED,)


def test_the_hosts_own_agreement_may_offer_every_function(tmp_path: Path) -> None:
    path = tmp_path / "agreements.toml"
    path.write_text(
        TEXT.replace('["police", "fire"]', '["police"]').replace('["pay.slip", "hr.me"]', '["*"]')
    )

    (own,) = load_agreements(path, order=ORDER, every_function=frozenset({"a.b", "c.d"}))

    assert own.functions == {"a.b", "c.d"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('["pay.slip", "hr.me"]', '["*"]', '"*" offers every function'),
        ("2018-04-01", '"1 April"', "not of the right kind"),
        ("end = 2019-01-31", "end = 2017-01-31", "ends before it starts"),
        ('host = "police"', 'host = "council"', "is not a party"),
        ("in-force", "in force", "unknown value `in force`"),
        ('"s22A"', '"s22"', "unknown value `s22`"),
        ('dsa_ref = "DSA/1"', "", "`dsa_ref` is missing"),
        ("start =", "begin =", "`start` is missing"),
        ('title = "Blue Light"', 'titel = "Blue Light"', "unknown key `titel`"),
    ],
)
def test_a_file_with_a_fault_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "agreements.toml"
    assert old in TEXT
    path.write_text(TEXT.replace(old, new))

    with pytest.raises(PolicyFileError) as refusal:
        load_agreements(path, order=ORDER)

    assert any(message in fault.message for fault in refusal.value.faults)


def test_two_agreements_with_one_id_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "agreements.toml"
    path.write_text(TEXT + TEXT)

    with pytest.raises(PolicyFileError, match="declared twice"):
        load_agreements(path, order=ORDER)


SUCCESSOR = (
    TEXT.replace('"blue-light"', '"blue-light-2"')
    .replace("start = 2018-04-01", 'start = 2019-02-01\nsupersedes = "blue-light"')
    .replace("end = 2019-01-31", 'purposes = ["payroll"]\ndata_classes = ["names", "pay"]')
)


def test_an_agreement_takes_over_from_another_without_a_day_between(tmp_path: Path) -> None:
    path = tmp_path / "agreements.toml"
    path.write_text(TEXT + SUCCESSOR)

    before, after = load_agreements(path, order=ORDER)

    assert after.supersedes == before.id
    assert before.ends_at == after.starts_at
    assert (after.purposes, after.data_classes) == (("payroll",), ("names", "pay"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("start = 2019-02-01", "start = 2019-02-02", "ends on 2019-01-31"),
        ("start = 2019-02-01", "start = 2019-01-31", "ends on 2019-01-31"),
        ('supersedes = "blue-light"', 'supersedes = "blue-ligth"', "is not another agreement"),
        ('supersedes = "blue-light"', 'supersedes = "blue-light-2"', "is not another agreement"),
    ],
)
def test_an_agreement_that_leaves_a_gap_or_overlap_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "agreements.toml"
    assert old in SUCCESSOR
    path.write_text(TEXT + SUCCESSOR.replace(old, new))

    with pytest.raises(PolicyFileError, match=message):
        load_agreements(path, order=ORDER)


def test_what_is_superseded_must_have_an_end(tmp_path: Path) -> None:
    path = tmp_path / "agreements.toml"
    path.write_text(TEXT.replace("end = 2019-01-31\n", "") + SUCCESSOR)

    with pytest.raises(PolicyFileError, match="has no end"):
        load_agreements(path, order=ORDER)
