"""The strings that disguise a path, and the URLs they are put into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

DOTS = (b"../", b"./", b"..", b".../", b"//..//", b"/..", b"public../", b"..//", b"./../", b".")
ENCODED = (
    b"%2e%2e/", b".%2e/", b"%2e./", b"%2E%2E/", b"%2e%2e%2f", b"..%2f", b"..%2F", b"%2f", b"%5c",
    b"..%5c", b"%61dmin", b"%4fA_HTML", b"%2e", b"fleet%2frestricted%2fregister", b"..\\", b"\\",
)  # fmt: skip
DOUBLE = (
    b"%252e%252e%252f", b"%252e%252e/", b"%2561dmin", b"%%32%65%%32%65/", b"%25252e%25252e%25252f",
    b"%252f", b"..%252f", b"%%35%63", b"%25%32%65", b"%2%65",
)  # fmt: skip
MATRIX = (
    b"..;/", b"..;x=y/", b".;/", b";/../", b"admin;x/users", b"users;.css", b"..%3b/", b";%2f..%2f",
    b";jsessionid=A", b";", b"%3b", b";a=b;c=d/", b"..;%2f",
)  # fmt: skip
WIDE = (
    b"%c0%ae%c0%ae/", b"%c0%af", b"%e0%80%ae%e0%80%ae/", b"%ef%bc%8e%ef%bc%8e/", b"%u002e%u002e/",
    b"%zz", b"%2", b"%", b"%ef%bd%81dmin", b"%e2%84%aa", b"%ef%bc%8f", b"%c1%9c", b"%ff", b"%f0%80",
    b"\xef\xbd\x81dmin", b"\xe2\x84\xaa", b"%e2%80%ae", b"%c5%bf", b"%c2%ad",
    b"%ef%b9%92%ef%b9%92/",
)  # fmt: skip
TAILS = (
    b"%00", b"%0a", b"%0d%0a", b"%09", b"%20", b".", b"..%20/", b"~", b"::$DATA", b".json",
    b"%00.css", b"%00/../", b"%0a/../", b"%7f", b"%85", b"%c2%85", b"%e2%80%a8", b". ", b"%20/../",
)  # fmt: skip
QUERIES = (b"#/../admin", b"%23/../admin", b"?x=/public/", b"%3f", b"?", b"#", b"%3fOAFunc=XX_BANK")
CLASSES = {
    "dot segments": DOTS,
    "encoded": ENCODED,
    "encoded twice": DOUBLE,
    "matrix parameters": MATRIX,
    "bad or wide characters": WIDE,
    "controls and tails": TAILS,
    "fragments and queries": QUERIES,
}

ALLOWED = (
    b"/fleet/bookings/BK-10001",
    b"/catalogue/frameworks/current",
    b"/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP",
)
FORBIDDEN = (
    b"/fleet/restricted/register",
    b"/OA_HTML/OAExport.jsp",
    b"/admin/console",
)
# Where a climb would lead: up from a branch that takes any path, and from one that takes one name.
CLIMBS = (
    (b"/catalogue/frameworks/", b"admin/console", 2),
    (b"/catalogue/frameworks/current/", b"OA_HTML/OAExport.jsp", 3),
    (b"/fleet/bookings/", b"restricted/register", 1),
    (b"/OA_MEDIA/", b"OA_HTML/OADownload.jsp", 1),
    (b"/-/static/", b"OA_HTML/OADownload.jsp", 2),
)


@dataclass(frozen=True, slots=True)
class Case:
    """One target to send, and how it came about."""

    target: bytes
    how: str


def spliced(strings: tuple[bytes, ...]) -> Iterator[Case]:
    """Put each string into each URL at three places, and before each way up."""
    for string in strings:
        for url in (*ALLOWED, *FORBIDDEN):
            path, mark, query = url.partition(b"?")
            first, rest = path[1:].split(b"/", 1)
            places = {
                "begin": b"/" + string + path[1:],
                "middle": b"/" + first + b"/" + string + rest,
                "end": path + string,
            }
            for place, target in places.items():
                yield Case(target + mark + query, f"{string!r} at the {place} of {url!r}")
        for branch, aim, levels in CLIMBS:
            up = string if string.endswith((b"/", b"%2f", b"%5c", b"\\")) else string + b"/"
            yield Case(branch + up * levels + aim, f"{string!r} climbing from {branch!r}")
