"""Tables of accounts: found by staff id or number, and refused where they could mean two people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.account_table import Account, AccountTableError, is_account, read_account_table

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "organisation,employee_number,staff_id,account,guid\n"


def table(folder: Path, text: str) -> Path:
    path = folder / "ebs.csv"
    path.write_text(text)
    return path


def test_a_person_is_found_by_staff_id_and_else_by_number_with_their_employer(
    tmp_path: Path,
) -> None:
    rows = "police,1,,ALICE,1F2E\n,,fire/7d3c,F_BOB,\nfire,1,fire/ee,F_EVE,\n"
    found = read_account_table(table(tmp_path, HEAD + rows))

    assert found.find("police/x", "police", "1") == Account(name="ALICE", guid="1F2E")
    assert found.find("fire/7d3c", "fire", "9") == Account(name="F_BOB")
    assert found.find("fire/7d3c", "fire", "1") == Account(name="F_BOB")
    assert found.find("fire/zz", "fire", "1") == Account(name="F_EVE")
    assert found.find("fire/zz", "fire", "") is None
    assert found.find("", "", "") is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name,account\n", "line 1: the columns are not known; write"),
        ("staff_id\n", "line 1: the columns are not known"),
        ("account,account\n", "line 1: the columns are not known"),
        (HEAD + "a,1,,X\n", "line 2: not as many values"),
        (HEAD + "a,1,,X,,,\n", "line 2: not as many values"),
        (HEAD + "a,1,,,\n", "line 2: `` or its guid is no account"),
        (HEAD + "a,1,,J\u00d6RG,\n", "is no account; use letters"),
        (HEAD + "a,1,,X,{1}\n", "line 2: `X` or its guid is no account"),
        (HEAD + "a,1,,X,\nb,1,,x,\n", "line 3: `x` is the account of two people"),
        (HEAD + "a,1,,X,\na,1,,Y,\n", "line 3: this person stands there twice"),
        (HEAD + ",,a/1,X,\n,,a/1,Y,\n", "line 3: this person stands there twice"),
        (HEAD + ",1,a/1,X,\n", "line 2: nobody is named; write"),
        (HEAD + ",,,X,\n", "line 2: nobody is named; write"),
        (HEAD + '"a,1,,X,\n', "line 1: .*; correct the quotes"),
    ],
)
def test_a_table_that_could_mean_two_things_is_refused_with_its_line(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(AccountTableError, match=told):
        read_account_table(table(tmp_path, text))


def test_what_is_no_text_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ebs.csv").write_bytes(b"\xff\xfe")
    for name in ("ebs.csv", "gone.csv"):
        with pytest.raises(AccountTableError, match="cannot be read"):
            read_account_table(tmp_path / name)


@pytest.mark.parametrize("name", ["", "A B", "A\r\nX: y", "\u00c4", "A" * 101, "A\n"])
def test_what_could_be_read_as_something_else_is_no_account(name: str) -> None:
    assert not is_account(name)
