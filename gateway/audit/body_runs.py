"""Reads many journalled bodies at once, where all of them are as they should be.

Nearly all that a sequencer takes in is whole, in order and unaltered. Each step of checking that
then runs in C for all bodies of a run, at half the cost of checking one after the other. The checks
are those of `gateway.audit.admission`, which takes the bodies one by one where anything is
otherwise, and says what.
"""

import struct
from collections.abc import Sequence
from hashlib import sha256
from itertools import repeat
from operator import add, itemgetter
from typing import Final, NamedTuple

from gateway.audit.bundles import KEPT
from gateway.audit.columns import ClearColumns, EnvelopeColumns
from gateway.audit.keyed_hash import KeyedHash
from gateway.audit.merkle import leaf_hash
from gateway.audit.sealing import ENTRY_BODY, HEADER, MAC_MESSAGE

RUN_BODIES: Final = 256
"""How many are read at once: what they need stays in the processor's caches."""
UNREADABLE: Final = (
    struct.error,
    AttributeError,
    LookupError,
    OverflowError,
    TypeError,
    ValueError,
)
"""What reading a body can raise that somebody has meddled with; ours raise none."""

_NUMBER: Final = struct.Struct(">Q")
_ONLY_ENTRIES: Final = {ENTRY_BODY}


class BodyRun(NamedTuple):
    """Bodies of one writer that are entries, unaltered, the next ones in their order.

    Attributes:
        kept: What a bundle keeps of each.
        leaves: Their leaf hashes.
        columns: What each says.
        closed: Of each that closes decisions its place in the run, and their ids.
    """

    kept: Sequence[bytes]
    leaves: Sequence[bytes]
    columns: Sequence[ClearColumns]
    closed: Sequence[tuple[int, tuple[bytes, ...]]]


def read_run(
    bodies: Sequence[bytes],
    first: int,
    writer: bytes,
    keyed: KeyedHash,
    columns: EnvelopeColumns,
) -> BodyRun | None:
    """Read bodies, at least one.

    Args:
        bodies: As a journal has them.
        first: Number that the first must have among the entries of its writer.
        writer: Its name.
        keyed: Makes the MACs.
        columns: Reads envelopes.

    Returns:
        None if any of them is not what it should be.
    """
    try:
        kinds, macs, persons, lengths, more = zip(*map(HEADER.unpack_from, bodies), strict=True)
        ends = list(map(add, lengths, repeat(HEADER.size)))
        if {*kinds} != _ONLY_ENTRIES or [*map(add, ends, more)] != [*map(len, bodies)]:
            return None
        envelopes = [body[HEADER.size : end] for body, end in zip(bodies, ends, strict=True)]
        leaves = [*map(leaf_hash, envelopes)]
        ciphertexts = [body[end:] for body, end in zip(bodies, ends, strict=True)]
        hashes = [sha256(ciphertext).digest() if ciphertext else b"" for ciphertext in ciphertexts]
        numbers = map(_NUMBER.pack, range(first, first + len(bodies)))
        covered = zip(leaves, persons, numbers, hashes, repeat(writer))
        if (*map(keyed.digest, map(MAC_MESSAGE.__mod__, covered)),) != macs:
            return None
        said = columns.read(envelopes)
        if said is None:
            return None
        return BodyRun([*map(itemgetter(KEPT), bodies)], leaves, *said)
    except UNREADABLE:
        return None
