"""What is sealed opens in its own context, under its own key, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.identity.factors.factor_seal import FactorSeal, SealBroken

OLD, NEW = bytes(range(32)), bytes(range(32, 64))


@settings(max_examples=30)
@given(st.binary(max_size=400), st.text(max_size=40))
def test_it_opens_as_it_was(plain: bytes, context: str) -> None:
    seal = FactorSeal([OLD])
    sealed = seal.seal(plain, context=context)

    assert seal.open(sealed, context=context) == plain
    assert not plain or len(plain) < 8 or plain not in sealed.encode()


def test_it_opens_in_no_other_context() -> None:
    """A secret moved to another person's row is nobody's."""
    seal = FactorSeal([OLD])
    sealed = seal.seal(b"secret", context="secret of a")

    with pytest.raises(SealBroken):
        seal.open(sealed, context="secret of b")


@pytest.mark.parametrize(
    "broken", ["", ".", "x", "nokey.AAAA", "{kid}.", "{kid}.####", "{kid}.AAAA"]
)
def test_what_was_changed_does_not_open(broken: str) -> None:
    seal = FactorSeal([OLD])
    kid = seal.seal(b"", context="").partition(".")[0]

    with pytest.raises(SealBroken):
        seal.open(broken.replace("{kid}", kid), context="")


def test_after_a_rotation_what_older_keys_sealed_still_opens() -> None:
    sealed = FactorSeal([OLD]).seal(b"secret", context="c")
    rotated = FactorSeal([NEW, OLD])

    assert rotated.open(sealed, context="c") == b"secret"
    assert rotated.seal(b"", context="c").partition(".")[0] != sealed.partition(".")[0]
    with pytest.raises(SealBroken):
        FactorSeal([NEW]).open(sealed, context="c")


def test_hashes_are_keyed_and_belong_to_a_context() -> None:
    old, rotated = FactorSeal([OLD]), FactorSeal([NEW, OLD])

    assert rotated.macs("code", context="a")[1:] == old.macs("code", context="a")
    assert len({*rotated.macs("code", context="a"), *rotated.macs("code", context="b")}) == 4


def test_without_a_key_there_is_no_seal() -> None:
    with pytest.raises(ValueError, match="no key"):
        FactorSeal([])
