"""The Merkle tree of RFC 6962 section 2 and RFC 9162 section 2.1: hashes and proofs.

SHA-256; a leaf is H(0x00, entry), a node H(0x01, left, right), the empty tree H(""). The verifier
refuses more than the RFCs ask: hashes of exactly 32 bytes, exact proof lengths, `index < size`, and
no consistency proof from size 0, which would agree with anything.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from itertools import repeat

from gateway.audit.errors import ProofError

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
_DIGEST = type(sha256()).digest
_NODE = b"\1"

# Gives the hash over the 2**level leaves from index * 2**level on: `node(level, index)`.
NodeReader = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """Hash an entry as a leaf."""
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees as a node."""
    return sha256(_NODE + left + right).digest()


class Frontier:
    """The right edge of a growing tree: enough to add leaves and to know the root.

    Attributes:
        size: Number of leaves.
        risen: Completed nodes at levels 8, 16, ... (level divided by 8, hash), since the owner last
            cleared the list: the entries of tiles above level 0. Those of one level are in the
            order of the tree; those of one call stand level by level.
    """

    __slots__ = ("_peaks", "risen", "size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        """Begin with `size` leaves, given the hash of each complete subtree, largest first."""
        if len(peaks) != size.bit_count():
            raise ProofError(f"tree: {len(peaks)} peaks do not make a tree of {size} leaves")
        self.size = size
        self._peaks = list(peaks)
        self.risen: list[tuple[int, bytes]] = []

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        peaks, node = self._peaks, leaf
        level, rest = 0, self.size
        while rest & 1:
            node = node_hash(peaks.pop(), node)
            rest >>= 1
            level += 1
            if not level & 7:
                self.risen.append((level >> 3, node))
        peaks.append(node)
        self.size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes in order: level by level, the nodes of a level all at once in C."""
        peaks, nodes = self._peaks, list(leaves)
        level, rest = 0, self.size
        self.size += len(nodes)
        single: list[bytes] = []  # of each level the node that has no right neighbour, at most one
        while nodes:
            if rest & 1:
                nodes.insert(0, peaks.pop())
            if len(nodes) & 1:
                single.append(nodes.pop())
            pairs = zip(repeat(_NODE), nodes[::2], nodes[1::2])
            nodes = list(map(_DIGEST, map(sha256, map(b"".join, pairs))))
            rest >>= 1
            level += 1
            if not level & 7:
                self.risen += zip(repeat(level >> 3), nodes)
        peaks += reversed(single)

    def root(self) -> bytes:
        """Return the root of all leaves so far."""
        return fold_peaks(self._peaks)


def fold_peaks(peaks: Sequence[bytes]) -> bytes:
    """Return the root over complete subtrees, largest first."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier.root()


def range_root(start: int, end: int, node: NodeReader) -> bytes:
    """Return the root over leaves `start` to `end`, a subtree as the RFCs split a tree.

    Args:
        start: First leaf; a multiple of the smallest power of two that spans the range.
        end: One past the last leaf; `start < end`.
        node: Gives hashes of complete subtrees.
    """
    peaks: list[bytes] = []
    at = start
    for level in range((end - start).bit_length() - 1, -1, -1):
        if (end - at) >> level:
            peaks.append(node(level, at >> level))
            at += 1 << level
    return fold_peaks(peaks)


def tree_root(size: int, node: NodeReader) -> bytes:
    """Return the root of the first `size` leaves."""
    return EMPTY_ROOT if size == 0 else range_root(0, size, node)


def inclusion_proof(index: int, size: int, node: NodeReader) -> list[bytes]:
    """Make the audit path of leaf `index` in the tree of `size` leaves, leaf to root.

    RFC 6962 section 2.1.1.
    """
    if not 0 <= index < size:
        raise ProofError(f"inclusion: no leaf {index} in a tree of {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        split = start + _left_size(end - start)
        if index < split:
            path.append(range_root(split, end, node))
            end = split
        else:
            path.append(range_root(start, split, node))
            start = split
    path.reverse()
    return path


def consistency_proof(old_size: int, size: int, node: NodeReader) -> list[bytes]:
    """Prove that the first `old_size` leaves are a prefix of the tree; RFC 6962 section 2.1.2."""
    if not 0 < old_size <= size:
        raise ProofError(f"consistency: no proof from {old_size} to {size}")
    path: list[bytes] = []
    start, end = 0, size
    whole = True  # the old tree is a complete subtree the verifier already knows
    while old_size != end:
        split = start + _left_size(end - start)
        if old_size <= split:
            path.append(range_root(split, end, node))
            end = split
        else:
            path.append(range_root(start, split, node))
            start = split
            whole = False
    if not whole:
        path.append(range_root(start, end, node))
    path.reverse()
    return path


def verify_inclusion(
    *, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check an audit path, RFC 9162 section 2.1.3.2; raises ProofError."""
    _check_hashes(leaf, root, *proof)
    if not 0 <= index < size:
        raise ProofError(f"inclusion: no leaf {index} in a tree of {size}")
    _, result = _climb("inclusion", leaf, index, size - 1, proof)
    if result != root:
        raise ProofError(f"inclusion: leaf {index} is not in the tree of {size}")


def verify_consistency(
    *, old_size: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes
) -> None:
    """Check that one tree is a prefix of another, RFC 9162 section 2.1.4.2; raises ProofError."""
    _check_hashes(old_root, root, *proof)
    if not 0 < old_size <= size:
        raise ProofError(f"consistency: no proof from {old_size} to {size}")
    if old_size == size:
        if proof or old_root != root:
            raise ProofError(f"consistency: two roots for size {size}")
        return
    hashes = list(proof)
    if old_size & (old_size - 1) == 0:
        hashes.insert(0, old_root)
    if not hashes:
        raise ProofError("consistency: the proof is empty")
    node, last = old_size - 1, size - 1
    while node & 1:
        node >>= 1
        last >>= 1
    old_result, new_result = _climb("consistency", hashes[0], node, last, hashes[1:])
    if old_result != old_root or new_result != root:
        raise ProofError(f"consistency: the tree of {size} does not extend the tree of {old_size}")


def _climb(
    proof_kind: str, start: bytes, node: int, last: int, proof: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """Climb from a node to the root; return the roots of the tree up to the node, and of all."""
    old = new = start
    for sibling in proof:
        if last == 0:
            raise ProofError(f"{proof_kind}: the proof is too long")
        if node & 1 or node == last:
            old = node_hash(sibling, old)
            new = node_hash(sibling, new)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            new = node_hash(new, sibling)
        node >>= 1
        last >>= 1
    if last != 0:
        raise ProofError(f"{proof_kind}: the proof is too short")
    return old, new


def _left_size(size: int) -> int:
    """Return the largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _check_hashes(*hashes: bytes) -> None:
    if any(len(value) != HASH_BYTES for value in hashes):
        raise ProofError("proof: a hash does not have 32 bytes")
