"""The oracle "every reading allowed": how others might read the bytes that a request is made of.

Nothing here knows the gateway's code. What the firefighter may open is written down by hand, from
the agreements and rules of the demo; a path is read in nine ways and in all of them together, a
parameter in eight. A request of which one reading is not allowed must not reach the back office.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

# What the firefighter may open with GET. `{}` is one segment, `*` one or more.
PLAIN_PATHS = (
    "/",
    "/vetting/me",
    "/catalogue/frameworks/*",
    "/fleet/bookings",
    "/fleet/bookings/{}",
    "/fleet/defects",
    "/fleet/defects/{}",
    "/estates/jobs",
    "/estates/jobs/{}",
    "/stores/orders",
    "/stores/orders/{}",
    "/ict/tickets",
    "/ict/tickets/{}",
    "/ict/tickets/{}/events",
    "/OA_MEDIA/*",
)
PERSONAL = "person_id"
CARRIERS = ("OAFunc", "page", "function_id", "porMode", "notification_type", "form", "config")
OWN_NUMBER = "40011"
FRAMEWORK_PAGE = "/OA_HTML/OA.jsp"
BY_NUMBER = "/OA_HTML/RF.jsp"
# fmt: off
FUNCTIONS = frozenset(
    {
        "XX_PAYSLIP", "XX_PERINFO", "HR_LOA_SS", "XX_SIT", "IRC_VIS_VAC_DISPLAY", "XX_OTALRN",
        "XX_PDR", "XX_OIEHOME", "HXC_TIME_ENTER", "ICX_POR_LAUNCH_IP",
    }
)
# fmt: on
NUMBERS = frozenset(f"10401{number:02}" for number in (1, 4, 5, 6, 12, 14, 15, 16, 20, 21, 23))


def path_readings(path: bytes) -> Iterator[bytes]:
    """Read a path in the nine ways, and in all of them together."""
    once = unquote_to_bytes(path)
    twice = unquote_to_bytes(once)
    yield path  # 1
    yield _collapsed(path)  # 2
    yield _collapsed(once)  # 3
    yield _collapsed(twice)  # 4
    for read in (path, once, twice):
        yield _collapsed(_without_parameters(read))  # 5
        yield _collapsed(read.replace(b"\\", b"/"))  # 6
        yield _merged(read)  # 7
        yield read.lower()  # 8
        yield _cut(read)  # 9
    yield _collapsed(_merged(_without_parameters(_cut(twice).replace(b"\\", b"/")))).lower()


def _collapsed(path: bytes) -> bytes:
    out: list[bytes] = []
    segments = path.split(b"/")[1:]
    for position, segment in enumerate(segments):
        last = position == len(segments) - 1
        if segment == b"..":
            del out[-1:]
        elif segment != b".":
            out.append(segment)
            continue
        if last:
            out.append(b"")
    return b"/" + b"/".join(out)


def _without_parameters(path: bytes) -> bytes:
    return b"/".join(segment.partition(b";")[0] for segment in path.split(b"/"))


def _merged(path: bytes) -> bytes:
    return re.sub(rb"/+", b"/", path)


def _cut(path: bytes) -> bytes:
    return re.split(rb"[\x00#\r\n]", path, maxsplit=1)[0]


def path_is_allowed(path: bytes) -> bool:
    """Tell whether the firefighter may open a path, as one reader sees it.

    Letters are compared as a reader that folds them would.
    """
    folded = path.lower().decode("latin-1")
    return any(_matches(pattern.lower(), folded) for pattern in PLAIN_PATHS)


def _matches(pattern: str, path: str) -> bool:
    if path != "/" and path.endswith("/"):
        path = path[:-1]
    written = "/".join(
        ".+" if part == "*" else "[^/]+" if part == "{}" else re.escape(part)
        for part in pattern.split("/")
    )
    return re.fullmatch(written, path, re.DOTALL) is not None


def carrier_is(path: bytes) -> str | None:
    """Tell which of the two pages with functions in parameters a path is to some reader."""
    folded = path.lower().decode("latin-1")
    for page in (FRAMEWORK_PAGE, BY_NUMBER):
        if folded == page.lower():
            return page
    return None


def query_readings(query: bytes) -> Iterator[dict[str, str]]:
    """Read a query in the eight ways: each gives one value for each name."""
    for text in (query, unquote_to_bytes(query)):  # as it is; its names decoded before the split
        for parted in (text, text.replace(b";", b"&")):
            pairs = [
                (_text(name), _text(value))
                for name, _, value in (part.partition(b"=") for part in parted.split(b"&"))
            ]
            for fold in (False, True):
                named = [(_folded(name) if fold else name, value) for name, value in pairs]
                yield dict(reversed(named))  # the first value counts
                yield dict(named)  # the last
                joined: dict[str, str] = {}
                for name, value in named:
                    joined[name] = f"{joined[name]},{value}" if name in joined else value
                yield joined


def _text(raw: bytes) -> str:
    return unquote_to_bytes(raw.replace(b"+", b" ")).decode("latin-1")


def _folded(name: str) -> str:
    """Give the declared name that a reader who folds, trims or cuts takes this for."""
    bare = re.split(r"[\[\].\x00]", unquote_to_bytes(name).decode("latin-1"), maxsplit=1)[0].strip()
    for declared in (*CARRIERS, PERSONAL):
        if bare.lower() == declared.lower():
            return declared
    return name


def query_is_allowed(page: str | None, read: dict[str, str]) -> bool:
    """Tell whether the firefighter may ask for this, as one reader sees the parameters."""
    if read.get(PERSONAL, OWN_NUMBER) != OWN_NUMBER:
        return False
    if page == FRAMEWORK_PAGE:
        function = read.get("OAFunc")
        mode = read.get("porMode")
        others = {"page", "function_id", "notification_type"} & read.keys()
        if mode is not None and (function, mode) != ("ICX_POR_LAUNCH_IP", "confirmReceipt"):
            return False
        return function in FUNCTIONS and not others
    if page == BY_NUMBER:
        others = {"OAFunc", "page", "porMode", "notification_type"} & read.keys()
        return read.get("function_id") in NUMBERS and not others
    return True


def every_reading_is_allowed(target: bytes) -> bool:
    """Tell whether the firefighter may ask for a target however it is read."""
    path, _, query = target.partition(b"?")
    if not path.startswith(b"/"):
        return False
    for read_path in path_readings(path):
        page = carrier_is(read_path)
        if page is None and not path_is_allowed(read_path):
            return False
        for read_query in query_readings(query):
            if not query_is_allowed(page, read_query):
                return False
    return True
