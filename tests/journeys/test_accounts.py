"""What each account of the demo sees: exactly its tiles, as the README lists them."""

from __future__ import annotations

import re

import pytest

from deploy.demo.places import PROJECT
from deploy.demo.register import london_day
from deploy.demo.scenario import load_scenario
from tests.journeys.demo_fixture import Demo

ACCOUNTS = {account.username: account for account in load_scenario().accounts.each}
STAFF = [username for username, account in ACCOUNTS.items() if account.is_staff]


@pytest.mark.parametrize("username", STAFF)
def test_an_account_sees_its_tiles_and_no_others(demo: Demo, username: str) -> None:
    tiles = [tile.function for tile in demo.visitor(username).tiles()]

    assert sorted(tiles) == sorted(ACCOUNTS[username].sees)


@pytest.mark.parametrize(
    ("username", "count"), [("firefighter", 19), ("watch-manager", 21), ("paramedic", 2)]
)
def test_the_numbers_that_were_promised(demo: Demo, username: str, count: int) -> None:
    """From the founding documents: what an unvetted partner's staff may see at all."""
    assert len(demo.visitor(username).tiles()) == count


@pytest.mark.parametrize("username", STAFF)
def test_every_tile_opens_the_page_it_names(demo: Demo, username: str) -> None:
    """A tile that leads to a refusal would be a promise broken."""
    visitor = demo.visitor(username)
    for tile in visitor.tiles():
        page = visitor.open(tile.url or "")
        if tile.needs:
            assert (tile.function, page.status) == ("pay.bank", 303)  # to a second proof
        else:
            assert page.status == 200, tile
            assert page.seen.data["data-function"] == [tile.function]
            assert page.seen.data["data-asker"] == [ACCOUNTS[username].employee_number]


@pytest.mark.parametrize("username", ACCOUNTS)
def test_the_readme_lists_what_the_account_sees(username: str) -> None:
    """Whoever tries the demo out compares it with the README."""
    account = ACCOUNTS[username]
    readme = (PROJECT / "README.md").read_text("utf-8")
    (row,) = re.findall(rf"^\| `{username}` \|(.*)\|$", readme, re.MULTILINE)
    organisation, held, sees = row.split("|")
    count, _, functions = sees.partition(":")

    assert organisation.strip() == account.organisation
    assert [one for one in account.grants if one.level not in held] == []
    assert int(count) == len(account.sees)
    assert re.findall(r"`([a-z.]+)`", functions) == list(account.sees)


def test_the_lapsed_see_what_the_firefighter_sees_and_are_told_what_ended(demo: Demo) -> None:
    lapsed = demo.visitor("fire-lapsed")
    ended = ACCOUNTS["fire-lapsed"].grants[1].expires_on(london_day(demo.now()))
    assert ended is not None
    words = f"{ended.day} {ended:%B %Y}"
    portal = lapsed.get("/-/portal")
    refused = lapsed.get("/OA_HTML/OA.jsp?OAFunc=XX_PERSEARCH")

    assert {tile.function for tile in lapsed.tiles()} == set(ACCOUNTS["firefighter"].sees)
    assert words in portal.text
    assert refused.status == 403
    assert words in refused.text


def test_tiles_are_found_by_their_words(demo: Demo) -> None:
    """The search of the portal works without a script too."""
    visitor = demo.visitor("firefighter")
    found = [tile.function for tile in visitor.get("/-/portal?q=payslip").seen.tiles]
    nothing = visitor.get("/-/portal?q=zzzz")

    assert "pay.slip" in found
    assert len(found) < 19
    assert nothing.status == 200
    assert nothing.seen.tiles == []


def test_the_root_leads_to_the_portal(demo: Demo) -> None:
    page = demo.visitor("firefighter").get("/")

    assert page.status in {200, 303}
    assert page.status == 200 or page.headers["location"] == "/-/portal"
