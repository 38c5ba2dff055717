"""Systems that are reached at a host of their own, as a catalogue names them.

A catalogue says which systems are such worlds apart; at which host each is reached is for the
settings of a gateway. Two systems may then answer the same paths, each at its own host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from policies.findings import nearest_of
from policies.function import GATEWAY_SYSTEM
from vetting.errors import quoted

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator, Mapping

    from policies.findings import TableReader

_Entry = TypeVar("_Entry")


def read_own_host(
    document: TableReader, systems: set[str], pattern: re.Pattern[str]
) -> frozenset[str]:
    """Read which systems are reached at a host of their own.

    Args:
        document: the outermost table of a catalogue.
        systems: those that functions are of.
        pattern: of the id of a system.
    """
    named = document.texts("own_host", required=False, pattern=pattern)
    for place, system in enumerate(named):
        if system == GATEWAY_SYSTEM:
            message = "the gateway's own pages have the gateway's host"
            document.fault("own_host", place, message=message, remedy="remove it")
        elif system not in systems:
            message = f"no function is of {quoted(system)}"
            remedy = nearest_of(system, systems - {GATEWAY_SYSTEM})
            document.fault("own_host", place, message=message, remedy=remedy)
    return frozenset(named)


def by_host(
    entries: Mapping[str, _Entry], system_of: Callable[[_Entry], str], own_host: frozenset[str]
) -> Iterator[dict[str, _Entry]]:
    """Give those entries together that are reached at one host.

    Args:
        entries: of a catalogue.
        system_of: gives the system of an entry.
        own_host: systems with a host of their own.
    """
    yield {name: each for name, each in entries.items() if system_of(each) not in own_host}
    for system in sorted(own_host):
        yield {name: each for name, each in entries.items() if system_of(each) == system}
