"""Another scenario than Cheshire's over HTTP, days of its history included.

One of the five, with few people besides its accounts; `make test-faults` walks all of them whole.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from deploy.demo.expectations import Unexpected
from deploy.demo.places import Places
from deploy.demo.spot_checks import Check
from deploy.demo.stack import Stack
from deploy.demo.walk import Walk
from gateway.audit.entry import Kind
from gateway.audit.search import AuditRow
from policies.catalogue import Catalogue, Match
from policies.policy_set import load_policy_set
from tests.doubles.few_staff import few_staff
from tests.journeys.record_reader import entries_of


@pytest.fixture(scope="module")
def walk() -> Iterator[Walk]:
    """Start Cleveland Police and Steria: a domain and a provider, a contract that ends."""
    folder = Path(tempfile.mkdtemp(prefix="journeys-"))
    places = Places.choose(folder, None, scenario=few_staff("cleveland-steria"))
    stack = Stack(places=places, say=print, workers=1)
    try:
        stack.start()
        yield Walk(stack=stack)
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_each_account_sees_its_tiles_and_officers_their_desks(walk: Walk) -> None:
    walk.shows_each_account_its_tiles()
    walk.opens_the_page_of_every_tile()
    walk.shows_officers_their_desks()


def test_each_line_of_its_table_comes_out_on_its_day(walk: Walk) -> None:
    walk.answers_as_the_table_says()


SEARCH = "/OA_HTML/OA.jsp?OAFunc=XX_PERSEARCH&name=e"
MENU = "/OA_HTML/RF.jsp?function_id=MAINMENUREST"
HOME = "/OA_HTML/OA.jsp?OAFunc=OANEWHOMEPAGE"
TELEPHONE = re.compile(r"07700 \d{6}")


def test_who_is_vetted_to_less_sees_home_details_masked(walk: Walk) -> None:
    """The same function under the same permit: what is shown depends on their vetting."""
    lower, higher = walk.visitor("steria-hr"), walk.visitor("steria-hr-n3")
    pages = [each.get(SEARCH, Accept="text/html") for each in (lower, higher)]
    documents = [each.get(SEARCH, Accept="application/json") for each in (lower, higher)]
    references = [page.headers["gateway-reference"] for page in (*pages, *documents)]
    rows = entries_of(walk.places, references, until=_is_over)
    ends = [rows[each].result for each in references]
    done = [end.clear["obligations"] for end in ends if end is not None]

    assert [bool(TELEPHONE.search(page.text)) for page in (*pages, *documents)] == [
        False, True, False, True,
    ]  # fmt: skip
    assert [page.text.count("[not shown]") > 10 for page in (*pages, *documents)] == [
        True, False, True, False,
    ]  # fmt: skip
    masked = ["masked:home-details.Home address", "masked:home-details.Home telephone"]
    assert done == [masked, ["mask-not-needed:home-details"]] * 2
    assert rows[references[0]].clear["obligations"] == ["mask:home-details"]
    assert "etag" not in pages[0].headers
    assert "no-store" in pages[0].headers["cache-control"]


def test_the_menu_lists_what_each_may_open(walk: Walk) -> None:
    """For programs and as a page, by the same engine as the portal."""
    for username in ("steria-hr", "constable"):
        visitor = walk.visitor(username)
        tiles = {tile.url for tile in visitor.tiles()}
        catalogue = load_policy_set(walk.stack.scenario.policy_set).catalogue
        told = visitor.get(MENU, Accept="application/json")
        listed = [item for area in json.loads(told.text)["menu"] for item in area["children"]]
        shown = {
            found.function.entry
            for item in listed
            for found in (_opened(catalogue, item),)
            if found is not None
        }
        home = visitor.get(HOME)
        links = set(re.findall(r'<li><a href="([^"]+)"', home.text.replace("&amp;", "&")))
        reference = told.headers["gateway-reference"]
        row = entries_of(walk.places, [reference], until=_is_over)[reference]

        assert shown == tiles
        assert links == tiles
        assert row.result is not None
        assert row.result.clear["obligations"] == [f"menu-removed:{60 - len(listed)}"]


def _is_over(row: AuditRow) -> bool:
    return row.result is not None


def _is_alarm(row: AuditRow) -> bool:
    return row.kind is Kind.LEAK


def _opened(catalogue: Catalogue, item: dict[str, str]) -> Match | None:
    if "functionId" in item:
        return catalogue.match("GET", "/OA_HTML/RF.jsp", (("function_id", item["functionId"]),))
    path, _, query = item["url"].partition("?")
    return catalogue.match("GET", path, parse_qsl(query))


def test_what_is_marked_too_high_is_refused_and_an_alarm(walk: Walk) -> None:
    job = "/estates/jobs/EST-90001"
    lower, higher = walk.visitor("ap-clerk"), walk.visitor("steria-hr-n3")
    refused, shown = lower.get(job), higher.get(job)
    reference = refused.headers["gateway-reference"]
    alarm = entries_of(walk.places, [reference], until=_is_alarm)[reference]

    assert (refused.status, shown.status) == (403, 200)
    assert "EST-90001" in shown.text
    assert "EST-90001" not in refused.text
    assert (alarm.clear["code"], alarm.function) == ("marking-exceeds", "est.job")
    assert alarm.personal["actor_name"] == "ap-clerk@steria"


def test_pages_bear_the_name_of_who_reads_them(walk: Walk) -> None:
    page = walk.visitor("constable").open("/bi/ops/overview")
    account = walk.accounts["constable"]

    assert page.status == 200
    assert page.text.count(f"Shown to {account.name}, Cleveland Police.") == 2
    assert f"Reference {page.headers['gateway-reference']}." in page.text


def test_a_line_that_is_not_so_is_told(walk: Walk) -> None:
    """A table that passes whatever is answered would prove nothing."""
    wrong = Check(
        why="the control room after the contract",
        on=date(2019, 5, 1),
        account="call-handler",
        url="/contact/incidents/current",
        function="pc.incident",
        status=404,
    )
    with pytest.raises(Unexpected, match=r"after the contract .*call-handler.*expected 404, met"):
        walk.hold(wrong)


def test_an_account_that_was_left_open_lets_nobody_in(walk: Walk) -> None:
    """X1: the register says that the employment ended yesterday, whatever the directory says."""
    account = walk.accounts["steria-left"]
    assert account.left_days == -1
    with pytest.raises(Unexpected, match="sign-in of steria-left"):
        walk.signed_in_anew("steria-left")
