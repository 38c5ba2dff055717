"""The record's page: finding entries, reading one whole, leafing back."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gateway.audit.entry import Outcome
from gateway.audit.search import Page
from gateway.pages.audit import explained
from tests.gateway.pages.conftest import SignIn
from tests.gateway.pages.world import World


def entries(html: str) -> list[int]:
    return [int(position) for position in re.findall(r'data-entry="(\d+)"', html)]


def test_record_lists_the_newest_first_and_says_how_many(browser_of: SignIn) -> None:
    """What just happened is what one looks for."""
    html = browser_of("auditor").get("/-/audit").text

    shown = entries(html)
    assert shown == sorted(shown, reverse=True)
    assert f"{len(shown)} acts shown, and there are older ones" in html


def test_pages_follow_on_each_other_without_gap_or_repetition(
    world: World, browser_of: SignIn
) -> None:
    """An auditor must be able to say that they have seen all."""
    browser = browser_of("auditor")
    seen: list[int] = []
    path: str | None = "/-/audit"
    while path:
        html = browser.get(path).text
        seen += entries(html)
        link = re.search(r'href="([^"]+)" rel="next"', html)
        path = link[1].replace("&amp;", "&") if link else None

    assert seen == [row.index for row in world.record.rows]


@pytest.mark.parametrize(
    ("query", "who"),
    [
        ("person=paramedic", {"paramedic@nwas"}),
        ("organisation=nwas&outcome=permit", {"paramedic@nwas"}),
        ("organisation=nwas", {"paramedic@nwas", "Nobody signed in"}),
        ("function=hr.search", {"fire-lapsed@cheshire-fire"}),
        ("outcome=error", {"constable@cheshire-police"}),
        ("reference=77H3K9QZ07", {"fire-lapsed@cheshire-fire"}),
        ("reference=77h3k9qz-o7", {"fire-lapsed@cheshire-fire"}),
        ("since=2026-11-21&until=2026-11-21+07:30:01", {"firefighter@cheshire-fire"}),
    ],
)
def test_record_is_found_by_each_field(browser_of: SignIn, query: str, who: set[str]) -> None:
    """A reference is read out over the telephone, so it is taken as people type it."""
    html = browser_of("auditor").get(f"/-/audit?{query}").text

    people = re.findall(r'role="cell">([^<]+@[^<]+|Nobody signed in)<', html)
    assert set(people) == who


def test_visit_that_failed_shows_both_what_was_decided_and_how_it_ended(
    browser_of: SignIn,
) -> None:
    """It was permitted, and it did not work: an auditor needs the two."""
    html = browser_of("auditor").get("/-/audit?outcome=error").text

    assert "Permitted</strong>" in html
    assert "Failed</strong>" in html
    assert "Upstream late" in html


def test_search_that_stopped_to_breathe_leads_on(world: World, browser_of: SignIn) -> None:
    """An empty page of a search that goes on is not the end of the record."""

    def breathe(_: object) -> Page:
        return Page(rows=(), next=7)

    world.record.search_with = breathe
    try:
        html = browser_of("auditor").get("/-/audit?function=fleet.covert").text
    finally:
        world.record.search_with = None

    assert "Nothing found so far" in html
    assert 'href="/-/audit?function=fleet.covert&amp;before=7" rel="next"' in html


def test_search_that_finds_nothing_says_so(browser_of: SignIn) -> None:
    """An empty table looks like a fault."""
    assert "No entry matches" in browser_of("auditor").get("/-/audit?person=nobody").text


def test_empty_record_says_so(world: World, browser_of: SignIn) -> None:
    """On the first day there is nothing."""
    rows, world.record.rows = world.record.rows, []
    try:
        html = browser_of("auditor").get("/-/audit").text
    finally:
        world.record.rows = rows

    assert "Nothing is recorded yet" in html


def test_search_with_an_error_is_not_run(world: World, browser_of: SignIn) -> None:
    """Leaving out the field that was not understood would answer another question."""
    response = browser_of("auditor").get("/-/audit?since=yesterday")

    assert response.status_code == 400
    assert "There is a problem" in response.text
    assert 'href="#since"' in response.text
    assert world.record.asked == []


def test_search_terms_are_shown_as_text(browser_of: SignIn) -> None:
    """They come from outside, and the page is read by the powerful."""
    html = browser_of("auditor").get('/-/audit?person="><script>x</script>&function=<i>').text

    assert "<script>x" not in html
    assert "<i>" not in html


def test_entry_is_shown_whole(browser_of: SignIn) -> None:
    """Nothing that was recorded is out of an auditor's sight."""
    html = browser_of("auditor").get("/-/audit?entry=3").text

    for text in ("firefighter@cheshire-fire", "10.40.2.17", "status-200", "40.7 ms", "pay.slip"):
        assert text.replace("status-", "") in html


def test_entry_explains_its_decision_from_what_was_recorded(
    world: World, browser_of: SignIn
) -> None:
    """Every gate, rule and criterion, worked out again."""
    denied = next(row for row in world.record.rows if row.function == "hr.search")
    html = browser_of("auditor").get(f"/-/audit?entry={denied.index}").text

    assert "Why, step by step" in html
    assert "gate clearance: not met" in html


@pytest.mark.parametrize(
    "changes",
    [
        {"policy": "0" * 64},
        {"inputs": "1:broken"},
        {"inputs": None},
        {"agreement": "another", "inputs": "1:read:x:fire:?:0:0:0:0:0:0"},
    ],
)
def test_decision_that_cannot_be_vouched_for_is_not_explained(
    world: World, changes: dict[str, object]
) -> None:
    """A wrong explanation is worse than none."""
    row = next(row for row in world.record.rows if row.function == "pay.slip")
    assert explained(row, world.engine)

    assert explained(replace(row, clear={**row.clear, **changes}), world.engine) == ()


def test_explanation_that_contradicts_the_entry_is_not_shown(world: World) -> None:
    """The entry says permitted, the results say not: that is for the verifier, not for a page."""
    row = next(row for row in world.record.rows if row.function == "hr.search")

    assert explained(replace(row, outcome=Outcome.PERMIT), world.engine) == ()


def test_entry_that_is_not_there_is_said_to_be_not_there(browser_of: SignIn) -> None:
    """A link can be old or mistyped."""
    assert browser_of("auditor").get("/-/audit?entry=99999").status_code == 404


def test_list_is_there_as_data_too(world: World, browser_of: SignIn) -> None:
    """An auditor counts with a program."""
    body = browser_of("auditor").get("/-/audit?outcome=deny&format=json").json

    assert body
    indexes = [entry["index"] for entry in body["entries"]]
    denied = [row.index for row in world.record.rows if row.outcome is Outcome.DENY]
    assert indexes == denied[: len(indexes)]
    assert body["entries"][0]["clear"]["reference"] in {row.reference for row in world.record.rows}


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("format=xml", {"format"}),
        ("format=json&outcome=perhaps", {"outcome"}),
        ("format=json&before=-1", {"before"}),
        ("format=json&kind=access&kind=leak", {"kind"}),
        ("format=&before=x&since=x", {"format", "before", "since"}),
    ],
)
def test_a_program_is_told_what_is_wrong_and_given_no_other_search(
    browser_of: SignIn, query: str, wrong: set[str]
) -> None:
    """What a page for people passes over would be entries that nobody asked for."""
    response = browser_of("auditor").get(f"/-/audit?{query}")

    assert response.status_code == 400
    assert response.json is not None
    assert response.json["errors"].keys() == wrong
    assert response.json["reference"] == response.headers["Gateway-Reference"]


def test_a_link_to_older_acts_that_is_none_shows_no_acts_at_all(browser_of: SignIn) -> None:
    """The newest ones in their place would be taken for the older."""
    response = browser_of("auditor").get("/-/audit?before=-1")

    assert response.status_code == 400
    assert entries(response.text) == []
    assert '<a href="#reference">Begin again: the link to older acts' in response.text


def test_one_entry_is_there_as_data_too(world: World, browser_of: SignIn) -> None:
    row = world.record.rows[3]
    body = browser_of("auditor").get(f"/-/audit?entry={row.index}&format=json").json

    assert body is not None
    assert [entry["index"] for entry in body["entries"]] == [row.index]
