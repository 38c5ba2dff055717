"""The policy in force, as officers read it: grid, sentences, table, functions, versions."""

from __future__ import annotations

import re
from html import unescape

import pytest

from gateway.pages.policy import MOST_COLUMNS
from tests.gateway.pages.conftest import SignIn
from tests.gateway.pages.world import World


def test_grid_has_a_row_for_every_function_and_explains_every_cell(
    world: World, browser_of: SignIn
) -> None:
    """What is in force is what is shown, all of it, and no answer stands without its reasons."""
    browser = browser_of("security-officer")
    html = unescape(browser.get("/-/policy").text)

    functions = world.engine.policy_set.catalogue.functions
    assert re.findall(r'href="/-/policy/function\?id=([^"]+)"', html) == list(functions)
    cells = re.findall(r'class="gate-answer[^>]+href="([^"]+)"', html)
    assert len(cells) % len(functions) == 0
    assert len(set(cells)) == len(cells) >= 4 * len(functions)
    assert {browser.get(cell).status_code for cell in cells[::40]} == {200}


def test_grid_is_narrowed_by_organisation_area_and_word(browser_of: SignIn) -> None:
    """Sixty functions are many; an officer asks about a few."""
    browser = browser_of("security-officer")
    html = browser.get("/-/policy?organisation=cheshire-fire&area=Payroll&q=slip").text

    assert "1 of " in html
    assert set(re.findall(r'colspan="\d+" class="gate-grid__organisation">([^<]+)<', html)) == {
        "Cheshire Fire and Rescue Service"
    }
    assert "No function matches" in browser.get("/-/policy?q=zebra").text


@pytest.mark.parametrize("bound", ["MOST_COLUMNS", "MOST_RULES"])
def test_more_than_can_be_read_or_waited_for_is_shown_by_organisation(
    browser_of: SignIn, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    """Twenty columns side by side would be read by nobody."""
    monkeypatch.setattr(f"gateway.pages.policy.{bound}", 2)
    html = browser_of("security-officer").get("/-/policy").text

    assert MOST_COLUMNS >= 8
    assert "One organisation is shown" in html
    assert len(re.findall(r'class="gate-grid__organisation"', html)) == 1


def test_which_version_is_in_force_and_who_put_it_there_stands_above(browser_of: SignIn) -> None:
    """The digest alone tells nobody anything."""
    text = browser_of("security-officer").get("/-/policy").text

    assert "Version 2, in force since" in text
    assert "19 November 2026 at 09:30" in text
    assert "Proposed by imran.qureshi, approved by helen.marsh" in text


def test_every_version_is_listed_with_what_it_waits_for(browser_of: SignIn) -> None:
    """Going back starts by knowing what there was."""
    html = browser_of("security-officer").get("/-/policy/versions").text

    assert re.findall(r'role="rowheader"[^>]*>Version (\d)', html) == ["3", "2", "1"]
    assert "Waits for approval" in html
    assert "Not yet" in html


@pytest.mark.parametrize("view", ["sentences", "table"])
def test_every_rule_is_shown_with_who_answers_for_it(
    world: World, browser_of: SignIn, view: str
) -> None:
    """An officer reads sentences, or rows, and no expressions."""
    html = unescape(browser_of("security-officer").get(f"/-/policy/{view}").text)

    for rule in world.engine.policy_set.rules:
        assert rule.id in html
        assert rule.reason[1:] in html
    if view == "table":
        assert "shared-services/<wbr>rules.toml:" in html


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("functions?q=payslip", 1),
        ("functions?q=zebra", 0),
        ("sentences?q=zebra", 0),
        ("table?q=own.self-", 1),
    ],
)
def test_search_works_without_a_script(
    world: World, browser_of: SignIn, path: str, found: int
) -> None:
    """Every page works with JavaScript off."""
    html = browser_of("security-officer").get(f"/-/policy/{path}").text

    policy_set = world.engine.policy_set
    total = len(policy_set.catalogue.functions if "functions" in path else policy_set.rules)
    assert f"{found} of {total} " in html


def test_function_is_shown_with_who_may_open_it_and_all_that_speaks_of_it(
    browser_of: SignIn,
) -> None:
    """Who gets in, by organisation; rules, agreements and requests on one page."""
    html = browser_of("security-officer").get("/-/policy/function?id=hr.search").text

    assert "OAFunc=XX_PERSEARCH" in html
    assert "Rule hr.partner-search" in html
    assert "Agreements that offer it" in html
    assert "needs NPPV2 full" in html
    assert "in the post hr" in html


def rows_of_counts(html: str) -> dict[str, list[str]]:
    """The numbers of each organisation, from the table of counts."""
    part = unescape(html).partition('id="how-many"')[2].partition("</table>")[0]
    rows = re.findall(r'role="rowheader"[^>]*>([^<]+)</th>(.*?)</tr>', part, re.DOTALL)
    return {name: re.findall(r'role="cell"[^>]*>([^<]+)<', cells) for name, cells in rows}


def test_function_is_shown_with_how_many_of_each_organisation_may_open_it(
    world: World, browser_of: SignIn
) -> None:
    """Kinds of people say who; an officer asks how many as well."""
    browser = browser_of("security-officer")
    search = browser.get("/-/policy/function?id=hr.search").text
    bank = browser.get("/-/policy/function?id=pay.bank").text

    assert [*rows_of_counts(search)] == [
        each.name for each in world.engine.policy_set.organisations
    ]
    assert rows_of_counts(search)["Cheshire Constabulary"] == ["31", "0", "2,412"]
    assert rows_of_counts(search)["Cheshire Fire and Rescue Service"] == ["0", "0", "640"]
    assert rows_of_counts(bank)["Cheshire Fire and Rescue Service"] == ["0", "633", "640"]
    assert "Counted at 2026-" in search


def test_as_long_as_people_are_counted_no_part_is_shown_as_the_whole(
    world: World, browser_of: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = browser_of("security-officer")
    monkeypatch.setattr(world.counts, "looked_at", 3)
    counting = browser.get("/-/policy/function?id=hr.search").text
    monkeypatch.setattr(world.counts, "failed", True)
    failed = browser.get("/-/policy/function?id=hr.search").text

    assert f"Counting: 3 of {world.counts.total} people so far" in counting
    assert "They cannot be counted now" in failed
    assert rows_of_counts(counting) == rows_of_counts(failed) == {}


def test_function_that_is_not_known_is_said_to_be_unknown(browser_of: SignIn) -> None:
    """The set may have changed since the page with the link was opened."""
    answer = browser_of("security-officer").get("/-/policy/function?id=gone")

    assert answer.status_code == 404
    assert "no function of this name" in answer.text


def test_the_policy_is_not_for_everybody(browser_of: SignIn) -> None:
    for path in ("", "/why", "/table", "/agreements", "/versions"):
        assert browser_of("firefighter").get(f"/-/policy{path}").status_code == 403
