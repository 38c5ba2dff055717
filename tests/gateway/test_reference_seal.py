"""References of the register at rest."""

from __future__ import annotations

import pytest

from gateway.errors import KeysError
from gateway.reference_seal import DataKey, RegisterSeal, RingDataKeys
from vetting.errors import RegisterError
from vetting.references import is_sealed

OLD, NEW = b"o" * 32, b"n" * 32


class ElsewhereKeys:
    """A key service: keys by name, and how often it was asked."""

    def __init__(self) -> None:
        self.kept = {"kms-7": DataKey(kid="kms-7", secret=b"k" * 32)}

    def current(self) -> DataKey:
        return self.kept["kms-7"]

    def find(self, kid: str) -> DataKey | None:
        return self.kept.get(kid)


def test_what_was_sealed_is_opened_and_cannot_be_read_before() -> None:
    seal = RegisterSeal(RingDataKeys([NEW]))
    sealed = seal.seal("CP/2026/0042", grant_id="g1")

    assert is_sealed(sealed)
    assert "0042" not in sealed
    assert seal.open(sealed, grant_id="g1") == "CP/2026/0042"
    assert seal.seal("", grant_id="g1") == ""


def test_the_same_says_the_same_for_one_grant_and_nothing_about_two() -> None:
    seal = RegisterSeal(RingDataKeys([NEW]))

    assert seal.seal("CP/1", grant_id="g1") == seal.seal("CP/1", grant_id="g1")
    assert seal.seal("CP/1", grant_id="g1") != seal.seal("CP/1", grant_id="g2")


def test_a_reference_that_was_moved_or_changed_cannot_be_opened() -> None:
    seal = RegisterSeal(RingDataKeys([NEW]))
    sealed = seal.seal("CP/1", grant_id="g1")
    last = "B" if sealed[-2] == "A" else "A"

    assert seal.open(sealed, grant_id="g2") is None
    assert seal.open(sealed[:-2] + last + sealed[-1], grant_id="g1") is None
    assert seal.open("CP/1", grant_id="g1") is None
    assert seal.open("", grant_id="g1") is None


def test_older_keys_still_open_and_a_destroyed_one_does_not() -> None:
    sealed = RegisterSeal(RingDataKeys([OLD])).seal("CP/1", grant_id="g1")

    assert RegisterSeal(RingDataKeys([NEW, OLD])).open(sealed, grant_id="g1") == "CP/1"
    assert RegisterSeal(RingDataKeys([NEW])).open(sealed, grant_id="g1") is None
    with pytest.raises(KeysError, match="gateway keys init"):
        RingDataKeys([])


def test_the_key_may_come_from_elsewhere() -> None:
    keys = ElsewhereKeys()
    sealed = RegisterSeal(keys).seal("CP/1", grant_id="g1")

    assert sealed.startswith("v1.kms-7.")
    assert RegisterSeal(keys).open(sealed, grant_id="g1") == "CP/1"
    keys.kept.clear()
    assert RegisterSeal(keys).open(sealed, grant_id="g1") is None


def test_a_sentence_is_not_sealed_but_refused() -> None:
    with pytest.raises(RegisterError, match="nothing about findings"):
        RegisterSeal(RingDataKeys([NEW])).seal("known to associate with", grant_id="g1")
