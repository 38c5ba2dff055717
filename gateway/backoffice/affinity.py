"""Which instance serves a person, where a system keeps what it knows of people to itself.

Each instance draws a number for the person, and the highest serves them (rendezvous hashing): every
worker finds the same one without asking anybody, and one that goes out sends its own people to the
others and moves nobody else.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gateway.backoffice.upstream_address import UpstreamAddress

_BYTES: Final = 8


def drawn(address: UpstreamAddress, person: str) -> bytes:
    """Draw for a person at an instance; the highest serves them."""
    text = f"{address.host}\0{address.port}\0{person}"
    return blake2b(text.encode("utf-8"), digest_size=_BYTES).digest()
