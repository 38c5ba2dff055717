"""The role accounts are those of the demo's description, and speak the language of the policies."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import pytest

from deploy.demo.accounts import read_accounts
from deploy.demo.scenario import load_scenario
from tests.policies.people import SHARED

ACCOUNTS = load_scenario().accounts


def test_every_account_of_the_description_is_there() -> None:
    assert {account.username for account in ACCOUNTS.each} == {
        "firefighter",
        "watch-manager",
        "fire-hr",
        "fire-lapsed",
        "paramedic",
        "constable",
        "hr-adviser",
        "detective",
        "vetting-officer",
        "security-officer",
        "second-officer",
        "auditor",
        "moved",
        "moved-police",
    }


def test_the_lapsed_grant_had_its_last_valid_day_yesterday() -> None:
    """Dates count from the day of the start, whichever it is."""
    lapsed = ACCOUNTS["fire-lapsed"].grants[1]

    assert lapsed.level == "N2F"
    assert lapsed.expires_on(date(2028, 3, 1)) == date(2028, 2, 29)


def test_the_lapsed_see_exactly_what_the_firefighter_sees() -> None:
    assert ACCOUNTS["fire-lapsed"].sees == ACCOUNTS["firefighter"].sees


def test_partners_see_as_many_functions_as_agreed() -> None:
    counts = {name: len(ACCOUNTS[name].sees) for name in ("firefighter", "watch-manager")}

    assert counts == {"firefighter": 19, "watch-manager": 21}
    assert ACCOUNTS["paramedic"].sees == ("est.job", "ict.ticket")


def test_four_officers_are_appointed_and_nobody_else() -> None:
    appointed = {account.username: account.appointments for account in ACCOUNTS.each}

    assert {name: roles for name, roles in appointed.items() if roles} == {
        "vetting-officer": ("vetting-officer",),
        "security-officer": ("security-officer",),
        "second-officer": ("security-officer",),
        "auditor": ("auditor",),
    }


def test_every_function_seen_is_in_the_catalogue() -> None:
    catalogue = tomllib.loads((SHARED / "catalogue.toml").read_text("utf-8"))
    known = {function["id"] for function in catalogue["function"]}

    assert {name for account in ACCOUNTS.each for name in account.sees} <= known


def test_two_accounts_of_one_name_are_refused(tmp_path: Path) -> None:
    """A name that means two people would be signed in as whichever comes first."""
    account = """
[[account]]
organisation = "cheshire-fire"
username = "same"
employee_number = "{number}"
given_name = "A"
family_name = "B"
role = "r"
posts = []
unit = "u"
grants = []
"""
    file = tmp_path / "accounts.toml"
    file.write_text('password = "demo"\n' + account.format(number=1) + account.format(number=2))

    with pytest.raises(ValueError, match="share a username"):
        read_accounts(file, host="cheshire-police")
