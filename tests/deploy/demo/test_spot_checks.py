"""The table of requests: read with its faults told, and walked day by day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from deploy.demo.scenario import load_scenario
from deploy.demo.spot_checks import Check, by_day, read_checks
from policies.policy_set import load_policy_set

ROW = """
[[check]]
why = "C1: the last day"
on = 2019-04-30
account = "call-handler"
asks = "hr.search"
names = "constable"
status = 200
"""


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], tuple[Check, ...]]:
    scenario = load_scenario("cleveland-steria")
    catalogue = load_policy_set(scenario.policy_set).catalogue

    def read_text(text: str) -> tuple[Check, ...]:
        path = tmp_path / "checks.toml"
        path.write_text(text)
        return read_checks(path, scenario.accounts, catalogue)

    return read_text


def test_a_function_is_asked_for_where_the_portal_would_open_it(
    read: Callable[[str], tuple[Check, ...]],
) -> None:
    (check,) = read(ROW)

    assert check.url == "/OA_HTML/OA.jsp?OAFunc=XX_PERSEARCH&person_id=20011"
    assert (check.on, check.status, check.function) == (date(2019, 4, 30), 200, "hr.search")


def test_an_address_may_stand_instead_and_nobody_may_sign_in(
    read: Callable[[str], tuple[Check, ...]],
) -> None:
    text = ROW.replace('asks = "hr.search"\nnames = "constable"', 'url = "/-/portal"')
    (check,) = read(text.replace("status = 200", 'status = "shut out"'))

    assert (check.url, check.function, check.status) == ("/-/portal", "", None)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"call-handler"', '"call-handlr"', "call-handlr"),
        ('"hr.search"', '"hr.serch"', "hr.serch"),
        ('"constable"', '"constble"', "constble"),
        ("status = 200", 'purpose = "corection"\nstatus = 200', "corection"),
        ("status = 200", "", "status"),
        ("status = 200", "status = 999", "999"),
        ("status = 200", "statsu = 200", "statsu"),
        ('why = "C1: the last day"', "", "no why"),
    ],
)
def test_a_line_that_names_what_does_not_exist_is_told(
    old: str, new: str, told: str, read: Callable[[str], tuple[Check, ...]]
) -> None:
    """What was misspelt would otherwise be asked for, and refused as expected."""
    assert old in ROW
    with pytest.raises(ValueError, match=told):
        read(ROW.replace(old, new))


def test_the_scenarios_own_day_comes_first_and_each_day_once(
    read: Callable[[str], tuple[Check, ...]],
) -> None:
    own = ROW.replace("on = 2019-04-30\n", "")
    earlier = ROW.replace("2019-04-30", "2011-06-30")
    days = [(day, len(checks)) for day, checks in by_day(read(ROW + earlier + own + ROW))]

    assert days == [(None, 1), (date(2011, 6, 30), 1), (date(2019, 4, 30), 2)]
