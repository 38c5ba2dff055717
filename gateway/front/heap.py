"""What the C library holds of memory: little more than is in use.

glibc gives threads heaps of their own, up to eight a core, and each keeps as much as it ever needed
at once: with pages on threads, a worker would go on growing for hours. Elsewhere nothing is done.
"""

from __future__ import annotations

import ctypes
from typing import Final

_HEAPS: Final = 2  # one for the event loop, where it began, and one for all other threads
_M_ARENA_MAX: Final = -8  # <malloc.h>


def share_heaps() -> None:
    """Have the threads that are started from now on share one heap."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _HEAPS)


def give_back() -> None:
    """Give pages that hold nothing back to the system (blocks for milliseconds)."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
