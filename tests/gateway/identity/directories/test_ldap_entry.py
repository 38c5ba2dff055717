"""What is believed of an entry's values."""

from __future__ import annotations

import pytest

from gateway.identity.directories.directory import EntryIncomplete
from gateway.identity.directories.ldap_entry import MAX_VALUE_CHARACTERS, MAX_VALUES, EntryReader

READER = EntryReader(
    {
        "directory_id": "objectGUID",
        "username": "sAMAccountName",
        "employee_number": "employeeID",
        "name": "displayName",
        "post": "title",
        "unit": "department",
        "mail": "mail",
        "manager": "manager",
    }
)
ENTRY = {"objectguid": [bytes(range(16))], "samaccountname": [b"alice"]}


def test_a_guid_is_read_in_the_form_people_write() -> None:
    assert READER.person(ENTRY).directory_id == "03020100-0504-0706-0809-0a0b0c0d0e0f"


@pytest.mark.parametrize("guid", [[], [b"short"], [bytes(16), bytes(range(16))]])
def test_an_id_that_is_none_or_two_is_refused(guid: list[bytes]) -> None:
    with pytest.raises(EntryIncomplete):
        READER.person({**ENTRY, "objectguid": guid})


def test_who_has_no_name_is_called_by_the_sign_in_name() -> None:
    assert READER.person(ENTRY).name == "alice"


@pytest.mark.parametrize(
    "value", [b"", b" ", b"a\0b", b"a\x1b[31m", "a\u200bb".encode(), b"x" * 999]
)
def test_a_value_that_is_no_plain_text_is_left_out(value: bytes) -> None:
    assert READER.person({**ENTRY, "title": [value, b"Constable"]}).posts == {"Constable"}
    assert len(value) != MAX_VALUE_CHARACTERS


def test_values_without_end_are_cut() -> None:
    many = [str(number).encode() for number in range(MAX_VALUES + 50)]

    assert len(READER.person({**ENTRY, "title": many}).posts) == MAX_VALUES


def test_of_two_numbers_none_is_taken_for_the_true_one() -> None:
    assert READER.person({**ENTRY, "employeeid": [b"1", b"2"]}).employee_number == ""


def test_the_manager_is_not_asked_of_the_persons_own_entry() -> None:
    assert "manager" not in READER.asked
    assert "objectGUID" in READER.asked
