"""The tree agrees with the recursive text of RFC 6962, and its verifier refuses all else."""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit.errors import ProofError
from gateway.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    NodeReader,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

# The entries and roots of the tests of Certificate Transparency.
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def mth(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node_hash(mth(leaves[:k]), mth(leaves[k:]))


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """RFC 6962 section 2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: Sequence[bytes], *, known: bool) -> list[bytes]:
    """RFC 6962 section 2.1.2, word for word."""
    if m == len(leaves):
        return [] if known else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], known=known), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], known=False), mth(leaves[:k])]


def split(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def refused(check: Callable[[], None]) -> bool:
    try:
        check()
    except ProofError:
        return True
    return False


def leaves_of(count: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(count)]


def risen(leaves: Sequence[bytes]) -> list[tuple[int, bytes]]:
    """The complete nodes on levels 8 and 16."""
    return [
        (level, mth(leaves[at : at + width]))
        for level, width in ((1, 256), (2, 65_536))
        for at in range(0, len(leaves) // width * width, width)
    ]


def reader(leaves: Sequence[bytes]) -> NodeReader:
    return lambda level, index: mth(leaves[index << level : (index + 1) << level])


def test_the_public_vectors_hold() -> None:
    leaves = [leaf_hash(entry) for entry in ENTRIES]

    assert [root_of(leaves[: n + 1]).hex() for n in range(8)] == ROOTS


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert Frontier().root() == EMPTY_ROOT == tree_root(0, reader([])) == mth([])


@given(size=st.integers(0, 700))
@settings(max_examples=40, deadline=None)
def test_the_frontier_agrees_with_the_recursion(size: int) -> None:
    leaves = leaves_of(size)
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)

    assert frontier.root() == mth(leaves) == tree_root(size, reader(leaves))
    assert frontier.risen == risen(leaves)


@given(parts=st.lists(st.integers(0, 300), max_size=6))
@settings(max_examples=100, deadline=None)
def test_leaves_added_many_at_a_time_make_the_same_tree(parts: list[int]) -> None:
    leaves = leaves_of(sum(parts))
    frontier, size = Frontier(), 0
    for part in parts:
        frontier.extend(leaves[size : size + part])
        size += part

        assert frontier.size == size
        assert frontier.root() == mth(leaves[:size])
    assert frontier.risen == risen(leaves)


def test_from_any_size_any_number_of_leaves_may_follow() -> None:
    leaves = leaves_of(140)
    roots = [mth(leaves[:size]) for size in range(141)]
    for start in range(71):
        for count in range(70):
            frontier = Frontier()
            for leaf in leaves[:start]:
                frontier.append(leaf)
            frontier.extend(iter(leaves[start : start + count]))
            assert frontier.root() == roots[start + count], (start, count)
            frontier.append(leaves[start + count])
            assert frontier.root() == roots[start + count + 1], (start, count)


def test_what_has_risen_is_in_order_on_each_level_over_two_of_them() -> None:
    leaves = leaves_of(2 * 65_536 + 700)
    one_by_one, at_once, in_tiles = Frontier(), Frontier(), Frontier()
    for leaf in leaves:
        one_by_one.append(leaf)
    at_once.extend(leaves)
    for at in range(0, len(leaves), 256):
        in_tiles.extend(leaves[at : at + 256])

    assert one_by_one.root() == at_once.root() == in_tiles.root() == mth(leaves)
    assert at_once.risen == risen(leaves)
    # Given tile by tile each node has risen once those below it have, as with single leaves.
    assert one_by_one.risen == in_tiles.risen
    assert sorted(one_by_one.risen, key=lambda each: each[0]) == at_once.risen


@given(data=st.data(), size=st.integers(1, 130))
@settings(max_examples=60, deadline=None)
def test_inclusion_agrees_with_the_recursion_and_verifies(data: st.DataObject, size: int) -> None:
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, reader(leaves))

    assert proof == path(index, leaves)
    verify_inclusion(leaf=leaves[index], index=index, size=size, proof=proof, root=mth(leaves))


@given(data=st.data(), size=st.integers(1, 130))
@settings(max_examples=60, deadline=None)
def test_consistency_agrees_with_the_recursion_and_verifies(data: st.DataObject, size: int) -> None:
    leaves = leaves_of(size)
    old_size = data.draw(st.integers(1, size))
    proof = consistency_proof(old_size, size, reader(leaves))

    assert proof == subproof(old_size, leaves, known=True)
    verify_consistency(
        old_size=old_size,
        size=size,
        proof=proof,
        old_root=mth(leaves[:old_size]),
        root=mth(leaves),
    )


@given(data=st.data(), size=st.integers(2, 40))
@settings(max_examples=60, deadline=None)
def test_an_altered_inclusion_proof_is_refused(data: st.DataObject, size: int) -> None:
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, reader(leaves))
    altered = {
        "longer": (leaves[index], index, size, [*proof, proof[-1]]),
        "shorter": (leaves[index], index, size, proof[:-1]),
        "other leaf": (leaf_hash(b"other"), index, size, proof),
        "other index": (leaves[index], (index + 1) % size, size, proof),
        "other hash": (leaves[index], index, size, [leaf_hash(b"x"), *proof[1:]]),
        "index beyond": (leaves[index], size, size, proof),
        "index below": (leaves[index], -1, size, proof),
        "short hash": (leaves[index], index, size, [proof[0][:31], *proof[1:]]),
        "long hash": (leaves[index], index, size, [proof[0] + b"\0", *proof[1:]]),
    }

    for name, (leaf, at, of, hashes) in altered.items():
        check = partial(verify_inclusion, leaf=leaf, index=at, size=of, proof=hashes)
        assert refused(partial(check, root=mth(leaves))), name


@given(data=st.data(), size=st.integers(3, 40))
@settings(max_examples=60, deadline=None)
def test_an_altered_consistency_proof_is_refused(data: st.DataObject, size: int) -> None:
    leaves = leaves_of(size)
    old = data.draw(st.integers(1, size - 1))
    proof = consistency_proof(old, size, reader(leaves))
    old_root, root = mth(leaves[:old]), mth(leaves)
    other = leaf_hash(b"other")
    altered = {
        "longer": (old, size, [*proof, other], old_root, root),
        "shorter": (old, size, proof[:-1], old_root, root),
        "other old root": (old, size, proof, other, root),
        "other root": (old, size, proof, old_root, other),
        "from nothing": (0, size, proof, old_root, root),
        "from nothing, no proof": (0, size, [], EMPTY_ROOT, root),
        "shrinking": (size, old, proof, root, old_root),
        "same size, two roots": (size, size, [], old_root, root),
        "same size, with proof": (size, size, proof, root, root),
    }

    for name, (old_size, of, hashes, before, after) in altered.items():
        check = partial(verify_consistency, old_size=old_size, size=of, proof=hashes)
        assert refused(partial(check, old_root=before, root=after)), name


def test_no_proof_is_made_for_what_is_not_there() -> None:
    with pytest.raises(ProofError, match="no leaf 3 in a tree of 3"):
        inclusion_proof(3, 3, reader(leaves_of(3)))
    with pytest.raises(ProofError, match="no proof from 0 to 3"):
        consistency_proof(0, 3, reader(leaves_of(3)))


def test_a_frontier_needs_a_peak_for_each_subtree() -> None:
    with pytest.raises(ProofError, match="1 peaks do not make a tree of 3 leaves"):
        Frontier(3, [leaf_hash(b"")])
