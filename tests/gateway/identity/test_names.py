"""One person, one name: however it is spelt, and nothing that is no name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.names import credentials_fault, fold_name, is_plain


@pytest.mark.parametrize(
    "spelling",
    ["alice", "ALICE", " alice ", "\talice", "Alice", "\uff41\uff4c\uff49\uff43\uff45"],
    ids=ascii,
)
def test_every_spelling_of_a_name_is_one_name(spelling: str) -> None:
    """Otherwise each spelling would be a fresh set of guesses."""
    assert fold_name(spelling) == "alice"


def test_letters_that_only_look_different_are_folded_too() -> None:
    """A script capital becomes a plain capital, which must then become small."""
    assert fold_name("\u210barry") == "harry"


def test_inner_spaces_count_as_one() -> None:
    assert fold_name("van  der   Berg") == fold_name("Van der berg") == "van der berg"


def test_different_names_stay_different() -> None:
    names = ["alice", "alicia", "al ice", "álice", "alice1", "alice@x"]

    assert len({fold_name(name) for name in names}) == len(names)


@given(st.text())
def test_folding_twice_is_folding_once(name: str) -> None:
    assert fold_name(fold_name(name)) == fold_name(name)


@pytest.mark.parametrize(
    "character",
    ["\0", "\n", "\r", "\x1b", "\x85", "\u200b", "\u200d", "\u2028", "\u202e", "\ufeff", "\u00ad",
     "\ufe0f", "\u034f", "\u1806", "\ufffc", "\ue000", "\ud800"],
    ids=ascii,
)  # fmt: skip
def test_characters_that_are_not_seen_make_no_name(character: str) -> None:
    """Directories drop them, so they would be spellings that are not counted."""
    assert not is_plain(f"al{character}ice")
    assert credentials_fault(f"al{character}ice", "password") is not None


@pytest.mark.parametrize("name", ["alice", "o'brien", "José Müller", "x-y_z.1@fire", "陈", "a b"])
def test_real_names_are_shown_to_the_directory(name: str) -> None:
    assert credentials_fault(name, "password") is None


@pytest.mark.parametrize("password", ["x", " ", "päss wörd", "\n", "x" * 1024])
def test_a_password_may_be_anything_but_empty(password: str) -> None:
    assert credentials_fault("alice", password) is None


@pytest.mark.parametrize(
    ("name", "password", "fault"),
    [
        ("alice", "", "password empty"),
        ("", "x", "name empty"),
        (" \t", "x", "name empty"),
        ("alice", "x\0", "password with a NUL"),
        ("alice", "x" * 1025, "password too long"),
        ("alice", "é" * 513, "password too long"),
        ("a" * 257, "x", "name too long"),
        ("alice", "\udcff", "not UTF-8"),
        (b"alice", "x", "not text"),
        ("alice", None, "not text"),
        (["alice"], "x", "not text"),
    ],
)
def test_what_no_directory_is_shown(name: object, password: object, fault: str) -> None:
    assert credentials_fault(name, password) == fault
