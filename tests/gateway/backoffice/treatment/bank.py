"""Fields that are masked in these tests."""

from __future__ import annotations

from gateway.backoffice.treatment.field_mask import FieldMask
from policies.obligations import FieldSet

BANK = FieldSet(
    id="bank",
    title="Bank details",
    fields=frozenset({"sort_code", "Account number"}),
    elements=("#iban", "td.secret"),
)
HIDDEN = "[not shown]"


def mask(*sets: FieldSet) -> FieldMask:
    """Compile sets of fields; those of the bank where none is given."""
    return FieldMask.of(sets or (BANK,))
