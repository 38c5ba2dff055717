"""Ordinary requests pass: refusing everything would be safe, and of no use to anybody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from urllib.parse import quote, quote_plus, unquote_to_bytes

from gateway.backoffice.canonical import TargetError, canonicalise_target
from tests.attacks.readings import every_reading_is_allowed
from tests.attacks.target import OWN_PAYSLIP, Target
from tests.policies.people import cheshire

MOST_REFUSED = 0.01
SEARCHES = (
    b"winsford",
    b"blue+watch",
    b"blue%20watch",
    b"Ll%C5%B7n+Peninsula",  # y with a circumflex
    b"Ynys+M%C3%B4n",
    b"T%C5%B7+Hywel",
    b"%C5%B4yn",
    b"caf%C3%A9",
    b"Zo%C3%AB+O%27Brien",
    b"O'Brien",
    b"Smith-Jones",
    b"a.b%2Bc@example.org",
    b"a.b+c@example.org",
    b"50%25+off",
    b"1%2F2",
    b"C%3A%5Ctemp",
    b"x%3D1",
    b"a%26b",
    b"(draft)",
    b"*",
    b"~home",
    b"%C2%A325.00",
    b"%E2%82%AC10",
    b"1,234.50",
    b"line%20one!",
    b"what%3F",
    b"item%231",
)
DATES = (b"2026-11-20", b"20%2F11%2F2026", b"20/11/2026", b"2026-11-20T09:00", b"20-Nov-2026")
SCREENS = (
    b"XX_PAYSLIP", b"XX_PERINFO", b"HR_LOA_SS", b"XX_SIT", b"IRC_VIS_VAC_DISPLAY", b"XX_OTALRN",
    b"XX_PDR", b"XX_OIEHOME", b"HXC_TIME_ENTER", b"ICX_POR_LAUNCH_IP",
)  # fmt: skip
LISTS = (
    b"/estates/jobs", b"/stores/orders", b"/ict/tickets", b"/fleet/bookings", b"/fleet/defects",
)  # fmt: skip
PATHS = (
    b"/catalogue/frameworks/current",
    b"/catalogue/frameworks/vehicles-2026",
    b"/catalogue/frameworks/vehicles_2026.v2",
    b"/catalogue/frameworks/Ynys%20M%C3%B4n",
    b"/catalogue/frameworks/a+b",
    b"/catalogue/frameworks/O'Brien",
    b"/catalogue/frameworks/(draft)",
    b"/catalogue/frameworks/50%C2%A3",
    b"/catalogue/frameworks/a,b",
    b"/catalogue/frameworks/a:b",
    b"/catalogue/frameworks/a@b",
    b"/catalogue/frameworks/a=b",
    b"/catalogue/frameworks/a$b",
    b"/catalogue/frameworks/~a",
    b"/catalogue/frameworks/2026/11/20",
)
# Whatever an Oracle suite adds of its own.
HABITS = (
    # no `_ti`: a page's number is ordinary only where the back office gave it (test_transactions)
    b"&_ri=0&language_code=US&oas=Xa9..",
    b"&retainAM=Y&addBreadCrumb=S",
    b"&params=%7B%22a%22%3A1%7D",
    b"&OARF=1",
    b"&pageSize=50&sort=-date",
    b"&return=%2FOA_HTML%2FOA.jsp%3FOAHP%3DX",
)


def ordinary() -> tuple[bytes, ...]:
    """Give targets as browsers send them when people work."""
    screens = [b"/OA_HTML/OA.jsp?OAFunc=" + name for name in SCREENS]
    return (
        *screens,
        *(one + b"&search=" + text for one, text in product(screens[:1], SEARCHES)),
        *(one + b"?q=" + text for one, text in product(LISTS[:2], SEARCHES)),
        *(one + b"&from=" + text for one, text in product(screens[:4], DATES)),
        *(one + habit for one, habit in product(screens[4:7], HABITS)),
        *LISTS,
        *(one + b"?page=2" for one in LISTS),
        *PATHS,
    )


FIRST_NAMES = (
    "Siân", "Llŷr", "Owain", "Zoë", "Seán", "Mary-Jane", "D'Arcy", "José", "Wiktoria", "Muḥammad",
)  # fmt: skip
LAST_NAMES = (
    "O'Brien", "Gwŷn", "Smith-Jones", "ap Rhys", "Jones (retired)", "Müller", "Nowak", "van Dyke",
    "Ô Conchúir", "M&S Fleet", "Hywel-Evans", "Ní Bhriain",
)  # fmt: skip
PLACES = ("Tŷ Hywel", "Ynys Môn", "Winsford A556/A54", "Bay 3+4", "50% store", "Crewe; north")
MAILS = ("a.b+c@example.org", "o'brien@cheshire.police.uk", "siân.jones@nwas.nhs.uk")


def corpus() -> Iterator[bytes]:
    """Give 10,000 targets and more as browsers, forms and scripts write them."""
    bases = [b"/OA_HTML/OA.jsp?OAFunc=" + one + b"&" for one in SCREENS]
    bases += [one + b"?" for one in LISTS]
    people = [f"{first} {last}" for first, last in product(FIRST_NAMES, LAST_NAMES)]
    texts = [*people, *PLACES, *MAILS, *(mail.upper() for mail in MAILS)]
    for base, text in product(bases, texts):
        for written in (quote_plus(text), quote(text), quote(text, safe="/;")):
            yield base + b"search=" + written.encode()
        day = 1 + len(text) % 28
        yield base + f"from={day:02}%2F11%2F2026&to={day:02}-Nov-2026&at=09%3A{day:02}".encode()
        yield base + b"params=" + quote(json.dumps({"who": text, "n": [1, 2.5]})).encode()
    for text, folder in product(texts, ("current", "vehicles-2026", "Ynys Môn")):
        named = quote(text.replace("/", "-").replace(";", ","))
        yield f"/catalogue/frameworks/{quote(folder)}/{named}.pdf".encode()
    for number, part in product(
        range(40), ("", "/events", "?page=2&sort=-date", "?view=full#"[:-1])
    ):
        yield f"/ict/tickets/ICT-{10_000 + number}{part}".encode()


def test_of_ten_thousand_ordinary_targets_at_most_one_in_a_hundred_is_refused() -> None:
    """And what is not refused would be sent on with the same meaning, most of it byte for byte."""
    declared = cheshire().catalogue.declared_parameters
    wanted, refused, changed = list(corpus()), [], []
    for one in wanted:
        try:
            sent = canonicalise_target(one, declared).sent
        except TargetError as error:
            refused.append((one, error.code))
            continue
        if sent != one:
            changed.append(one)
            assert unquote_to_bytes(sent) == unquote_to_bytes(one)

    assert len(wanted) >= 10_000
    assert len(set(wanted)) >= 6_000
    assert len(refused) <= MOST_REFUSED * len(wanted), refused[:10]
    assert len(changed) <= 2 * MOST_REFUSED * len(wanted), changed[:10]


def test_ordinary_requests_are_not_refused(target: Target) -> None:
    """At most one in a hundred, and what passes is sent on byte for byte."""
    wanted = ordinary()
    assert len(wanted) >= 100
    assert [one for one in wanted if not every_reading_is_allowed(one)] == []

    mark = target.relay.count
    replies = [(one, target.say(target.request(one))) for one in wanted]
    sent = [one.target.encode("ascii") for one in target.let_through(mark)]

    refused = [one for one, reply in replies if reply.reference and reply.status in {400, 403, 404}]
    assert len(refused) <= MOST_REFUSED * len(wanted), refused
    assert set(sent) == set(wanted) - set(refused)


def test_a_head_of_ordinary_size_passes(target: Target) -> None:
    """A browser's fields, a long address and its own cookies beside ours."""
    fields = [
        (b"User-Agent", b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140"),
        (b"Accept-Language", b"cy-GB,cy;q=0.9,en-GB;q=0.8"),
        (b"Accept-Encoding", b"gzip, deflate, br, zstd"),
        (b"Sec-Fetch-Site", b"same-origin"),
        (b"Sec-Fetch-Mode", b"navigate"),
        (b"Upgrade-Insecure-Requests", b"1"),
        (b"Referer", target.origin + b"/-/portal"),
        (b"Connection", b"keep-alive"),
        (b"Cache-Control", b"max-age=0"),
    ]  # fmt: skip
    reply = target.say(target.request(OWN_PAYSLIP + b"&note=" + b"a" * 3000, fields=fields))

    assert reply.status == 200
