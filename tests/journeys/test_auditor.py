"""The auditor finds what happened, by each way of looking for it, and nobody else does."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

import pytest

from deploy.demo.visitor import Page
from gateway.audit.entry import Kind
from tests.journeys.demo_fixture import Demo
from tests.journeys.gateway_commands import verified
from tests.journeys.record_reader import entries_of, entries_since

PAYSLIP = "/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """Three visits that the auditor is to tell apart."""

    payslip: str
    refused: str
    jobs: str


def references(page: Page) -> list[str]:
    """Give the references of the entries on a page of the record."""
    table = page.text.partition("<tbody")[2].partition("</tbody>")[0]
    return re.findall(r'data-reference="([^"]+)"', table)


@pytest.fixture(scope="module")
def happened(demo: Demo) -> Happened:
    firefighter = demo.visitor("firefighter")
    pages = (
        firefighter.get(PAYSLIP),
        firefighter.get(f"{PAYSLIP}&person_id=40012"),
        demo.visitor("paramedic").get("/estates/jobs"),
    )
    found = [page.headers["gateway-reference"] for page in pages]
    assert entries_of(demo.places, found).keys() == set(found)
    return Happened(payslip=found[0], refused=found[1], jobs=found[2])


@pytest.mark.parametrize(
    ("query", "finds"),
    [
        ("reference={refused}", {"refused"}),
        ("reference={payslip}", {"payslip"}),
        ("person=firefighter%40cheshire-fire", {"payslip", "refused"}),
        ("person=40011", {"payslip", "refused"}),
        ("person=cheshire-fire/40012", {"refused"}),
        ("person=paramedic%40nwas", {"jobs"}),
        ("organisation=nwas", {"jobs"}),
        ("organisation=cheshire-fire", {"payslip", "refused"}),
        ("function=pay.slip", {"payslip", "refused"}),
        ("function=est.job", {"jobs"}),
        ("outcome=deny", {"refused"}),
        ("outcome=deny&organisation=nwas", set()),
        ("outcome=permit&function=pay.slip", {"payslip"}),
        ("since={today}", {"payslip", "refused", "jobs"}),
        ("since={today}&function=pay.slip", {"payslip", "refused"}),
        ("since={today}&function=est.job", {"jobs"}),
        ("since={tomorrow}", set()),
        ("until={yesterday}", set()),
        ("since={yesterday}&until={tomorrow}&function=pay.slip", {"payslip", "refused"}),
        ("person=firefighter%40cheshire-fire&outcome=deny&function=pay.slip", {"refused"}),
    ],
)
def test_each_filter_finds_what_it_should_and_no_more(
    demo: Demo, happened: Happened, query: str, finds: set[str]
) -> None:
    known = {name: getattr(happened, name) for name in ("payslip", "refused", "jobs")}
    now = demo.now()
    days = {
        "today": f"{now - timedelta(hours=1):%Y-%m-%d}",
        "yesterday": f"{now - timedelta(days=1, hours=2):%Y-%m-%d}",
        "tomorrow": f"{now + timedelta(days=1, hours=2):%Y-%m-%d}",
    }
    shown = set(all_references(demo, query.format(**known, **days)))

    assert {name for name, reference in known.items() if reference in shown} == finds


def all_references(demo: Demo, query: str) -> list[str]:
    """Read every page of a search."""
    auditor = demo.visitor("auditor")
    found: list[str] = []
    target: str | None = f"/-/audit?{query}"
    while target is not None:
        page = auditor.get(target)
        assert page.status == 200
        found += references(page)
        # by `rel`: the link to this page as data has a `before` too
        onward = re.search(r'href="(/-/audit\?[^"]*)" rel="next"', page.text)
        target = onward[1].replace("&amp;", "&") if onward else None
    return found


def test_looking_is_on_the_record_too(demo: Demo, happened: Happened) -> None:
    began = demo.now()
    demo.visitor("auditor").get(f"/-/audit?reference={happened.payslip}")
    (row, *_) = entries_since(demo.places, began, Kind.AUDIT_QUERY)

    assert row.personal["actor_name"] == "auditor@cheshire-police"


@pytest.mark.parametrize(
    "username", ["firefighter", "constable", "security-officer", "vetting-officer"]
)
def test_nobody_else_reads_the_record(demo: Demo, username: str) -> None:
    """Officers neither: they are among those whom it watches."""
    page = demo.visitor(username).get("/-/audit")

    assert page.status == 403
    assert page.reference


def test_what_is_searched_for_is_text_and_nothing_else(demo: Demo) -> None:
    """Quotes, wildcards and markup are looked for, not obeyed."""
    auditor = demo.visitor("auditor")
    for text in ("' OR 1=1 --", "%", "_", "<script>alert(1)</script>", "\x1b[2J", "x" * 5_000):
        for field in ("reference", "person", "organisation", "function", "outcome", "since"):
            page = auditor.get(f"/-/audit?{field}={quote(text)}")
            assert page.status in {200, 400}
            assert "<script>alert(1)" not in page.text
            assert references(page) == []


def test_the_live_record_is_proven_from_its_files(demo: Demo) -> None:
    """While it is being written to; twice, the second time against what was proven first."""
    for _ in range(20):
        demo.visitor("firefighter").get("/estates/jobs")

    verified(demo)


def test_the_record_holds_no_value_of_a_request(demo: Demo) -> None:
    """What people look for and write is theirs; the record says which function, and whose."""
    word = f"zebra{time.monotonic_ns()}"
    visitor = demo.visitor("firefighter")
    page = visitor.get(f"/estates/jobs?q={word}")
    visitor.post("/estates/jobs", {"what": word})
    reference = page.headers["gateway-reference"]
    row = entries_of(demo.places, [reference])[reference]

    assert word not in str(row.clear)
    assert word not in str(row.personal)
    for path in demo.places.record.rglob("*"):
        if path.is_file():
            assert word.encode() not in path.read_bytes(), path
