"""What a reference may look like, and that the register keeps nothing else about anybody."""

from __future__ import annotations

import pytest

from vetting.errors import RegisterError
from vetting.references import checked_reference, is_sealed
from vetting.register_tables import metadata


@pytest.mark.parametrize("text", ["", "CP/2026/0042", "NPPV-17.3", "a"])
def test_a_file_number_is_a_reference(text: str) -> None:
    assert checked_reference(text) == text


@pytest.mark.parametrize(
    "text", ["refused: debts", "see file 7", "/7", "x" * 41, "ä", "a\nb", "a;b", "brother in law"]
)
def test_a_sentence_is_none(text: str) -> None:
    with pytest.raises(RegisterError, match="nothing about findings"):
        checked_reference(text)


def test_only_what_is_sealed_may_be_written() -> None:
    assert is_sealed("")
    assert is_sealed("v1.0001." + "A" * 32)
    for plain in ("CP/7", "v1.k1.short", "v2.k1." + "A" * 32, "v1.K 1." + "A" * 32):
        assert not is_sealed(plain)


def test_no_column_invites_a_finding() -> None:
    """A new column must be argued for here: no reasons, notes, remarks or findings are kept."""
    assert {name: set(table.c.keys()) for name, table in metadata.tables.items()} == {
        "vetting_grant": {
            "id", "organisation", "employee_number", "level", "granting_body", "sponsor",
            "granted_on", "expires_on", "review_due_on", "status", "functions", "reference",
            "contract",
        },
        "appointment": {
            "id", "organisation", "employee_number", "role", "starts_on", "ends_on",
            "withdrawn_at_us",
        },
        "membership": {
            "id", "person", "organisation", "employee_number", "starts_on", "ends_on", "contract",
        },
        "training": {
            "id", "organisation", "employee_number", "course", "completed_on", "expires_on",
            "awarding_body", "ended_at_us",
        },
        "feed_import": {"id", "feed", "exported_at_us", "digest", "at_us", "by"},
        "reminder": {"grant_id", "ends_on", "days", "told", "at_us"},
        "register_change": {
            "sequence", "at_us", "by", "organisation", "employee_number", "kind", "before", "after",
        },
    }  # fmt: skip
