"""What the C library holds of memory: little more than is in use.

glibc gives threads heaps of their own, up to eight a core, and each keeps as much as it ever needed
at once: with pages on threads, a worker would go on growing for hours. Elsewhere nothing is done.
"""

from __future__ import annotations

import ctypes
from typing import Final

_HEAPS: Final = 2  # one for the event loop, where it began, and one for all other threads
_KEPT_BYTES: Final = 64 << 20
_MOST_ON_A_HEAP: Final = 32 << 20  # the C library takes no more
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # <malloc.h>


def share_heaps() -> None:
    """Have the threads that are started from now on share one heap."""
    _set(_M_ARENA_MAX, _HEAPS)


def keep_for_next_time() -> None:
    """Keep up to 64 MiB that are free until `give_back`, for who needs as much every time.

    Else what is freed at the end of the heap goes back at once, and each page of it costs a fault
    when it is wanted again.
    """
    _set(_M_TRIM_THRESHOLD, _KEPT_BYTES)
    _set(_M_MMAP_THRESHOLD, _MOST_ON_A_HEAP)


def give_back() -> None:
    """Give pages that hold nothing back to the system (blocks for milliseconds)."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)


def _set(option: int, value: int) -> None:
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(option, value)
