"""What an entry says before it is sealed."""

import uuid
from dataclasses import fields

import pytest

from gateway.audit.entry import (
    REFERENCE_LENGTH,
    EntryDraft,
    Kind,
    Outcome,
    Phase,
    Repetition,
    new_draft,
    new_entry_id,
    new_reference,
)
from tests.doubles.record import decision

AT_US = 1_795_000_000_123_456


def test_a_reference_has_ten_characters_that_can_be_read_out() -> None:
    references = {new_reference(AT_US + second * 1_000_000) for second in range(2_000)}

    assert len(references) == 2_000
    assert {len(reference) for reference in references} == {REFERENCE_LENGTH}
    assert set("".join(references)) == set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_references_of_one_second_lie_side_by_side_and_differ() -> None:
    """In the log's index they share pages; a reference a page would cost more than its entry."""
    of_one_second = {new_reference(AT_US) for _ in range(50)}

    assert len(of_one_second) == 50
    assert len({reference[:4] for reference in of_one_second}) == 1
    assert new_reference(AT_US + 1_000_000)[:4] not in {one[:4] for one in of_one_second}


def test_an_entry_id_is_a_uuid_of_version_7_that_carries_its_millisecond() -> None:
    made = uuid.UUID(bytes=new_entry_id(AT_US))

    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == AT_US // 1000


def test_every_entry_has_an_id_of_its_own() -> None:
    ids = {EntryDraft(kind=Kind.ACCESS, at_us=AT_US).id for _ in range(1_000)}

    assert len(ids) == 1_000


def test_a_draft_denies_until_somebody_says_otherwise() -> None:
    assert EntryDraft(kind=Kind.ACCESS, at_us=AT_US).outcome is Outcome.DENY


def test_a_new_draft_takes_the_reference_of_its_visit() -> None:
    assert new_draft(Kind.SIGNIN, Outcome.DENY, at_us=AT_US, reference="7H3K9QZ001").reference == (
        "7H3K9QZ001"
    )
    assert len(new_draft(Kind.SIGNIN, Outcome.DENY, at_us=AT_US).reference) == REFERENCE_LENGTH


def test_a_result_leads_to_its_decision_and_names_nobody() -> None:
    opened = decision(1)
    result = opened.result(Outcome.ERROR, at_us=AT_US)

    assert (result.corr, result.reference) == (opened.id, opened.reference)
    assert (result.phase, result.outcome) == (Phase.RESULT, Outcome.ERROR)
    assert result.id != opened.id
    assert [result.staff_id, result.subject, result.actor_name, result.ip] == [""] * 4


def test_a_repeated_draft_says_what_the_first_did_but_for_its_names() -> None:
    first = decision(1)
    again = Repetition(first).draft(entry_id=b"i" * 16, at_us=AT_US, reference="7H3K9QZ001")

    assert again != first
    assert again == decision(1, id=b"i" * 16, at_us=AT_US, reference="7H3K9QZ001")


@pytest.mark.parametrize("name", [field.name for field in fields(EntryDraft)])
def test_a_repeated_draft_that_is_changed_repeats_nothing(name: str) -> None:
    repetition = Repetition(decision(1))
    draft = repetition.draft(entry_id=b"i" * 16, at_us=AT_US, reference="7H3K9QZ001")
    assert vars(draft)["repetition"] is repetition
    setattr(draft, name, "changed")

    assert (vars(draft)["repetition"], getattr(draft, name)) == (None, "changed")
    again = repetition.draft(entry_id=b"i" * 16, at_us=AT_US, reference="7H3K9QZ001")
    assert getattr(again, name) != "changed"
