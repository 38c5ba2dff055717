"""The places an answer names in its head, beside `Location`: all on the gateway, or not told.

`Refresh` leads the browser on by itself, so one that leads elsewhere is refused as a `Location` is.
Links, and where the content is also found, only describe: those of elsewhere are left out.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from gateway.backoffice.headers import local_location

_REFRESH: Final = re.compile(
    rb"[ \t]*([0-9]{1,6})[ \t]*(?:[;,][ \t]*url[ \t]*=[ \t]*"
    rb"(?:\"([^\"' \t;,]+)\"|'([^\"' \t;,]+)'|([^\"' \t;,]+))[ \t]*)?",
    re.IGNORECASE,
)
_GIVEN: Final = rb"[ \t]*;[ \t]*([a-z0-9*-]+)(?:=(?:[a-z0-9./+_-]+|\"[^\"\\]*\"))?"
_PARAMETER: Final = re.compile(_GIVEN, re.IGNORECASE)
_LINK: Final = re.compile(
    rb"[ \t]*<([^<> \t]*)>((?:" + _GIVEN.replace(b"(", b"(?:", 1) + rb")*)[ \t]*", re.IGNORECASE
)
# What a link is to us is said by these; `anchor` would make it one of somewhere else.
_TOLD: Final = frozenset(
    {b"rel", b"as", b"type", b"title", b"title*", b"hreflang", b"media", b"crossorigin"}
    | {b"integrity", b"fetchpriority", b"imagesizes", b"nopush", b"referrerpolicy"}
)
_MOST_LINKS: Final = 50


class LeadsElsewhere(Exception):  # noqa: N818 -- says what the answer does
    """A `Refresh` leads to another place, or may be read in several ways."""


def place_fields(
    fields: Iterable[tuple[bytes, bytes]], origins: Mapping[str, bytes]
) -> tuple[bytes, bytes | None]:
    """Write the fields of an answer that name places, each place on the gateway.

    Args:
        fields: of the answer, names in lower case.
        origins: of the system.

    Returns:
        The fields with their CRLF, and where the browser is led by itself; None for nowhere.

    Raises:
        LeadsElsewhere: the browser would be led somewhere else.
    """
    written: list[bytes] = []
    leads_to: bytes | None = None
    refreshes: list[bytes] = []
    for name, value in fields:
        if name == b"refresh":
            refreshes.append(value)
        elif name == b"content-location":
            place = local_location(value, origins)
            if place is not None:
                written += (b"Content-Location: ", place, b"\r\n")
        elif name == b"link":
            links = local_links(value, origins)
            if links:
                written += (b"Link: ", links, b"\r\n")
    if refreshes:
        if len(refreshes) > 1:
            raise LeadsElsewhere
        refresh, leads_to = local_refresh(refreshes[0], origins)
        written += (b"Refresh: ", refresh, b"\r\n")
    return b"".join(written), leads_to


def local_refresh(value: bytes, origins: Mapping[str, bytes]) -> tuple[bytes, bytes | None]:
    """Give a `Refresh` that leads to the gateway, and where; None for the page itself.

    Raises:
        LeadsElsewhere: it does not.
    """
    found = _REFRESH.fullmatch(value)
    if found is None:
        raise LeadsElsewhere
    target = found[2] or found[3] or found[4]
    if target is None:
        return found[1], None
    place = local_location(target, origins)
    if place is None:
        raise LeadsElsewhere
    return found[1] + b"; url=" + place, place


def local_links(value: bytes, origins: Mapping[str, bytes]) -> bytes:
    """Give the links of a `Link` field that lead to the gateway; empty for none.

    A field that may be read in several ways has none.
    """
    links: list[bytes] = []
    position = 0
    while position < len(value):
        found = _LINK.match(value, position)
        if found is None or len(links) >= _MOST_LINKS:
            return b""
        position = found.end()
        if value[position : position + 1] not in {b",", b""}:
            return b""
        position += 1
        place = local_location(found[1], origins)
        names = {name.lower() for name in _PARAMETER.findall(found[2])}
        if place is not None and names <= _TOLD:
            links.append(b"<" + place + b">" + found[2])
    return b", ".join(links)
