"""Who a person is at a system: never somebody else, and nobody where that is not known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pytest

from gateway.account_table import Account
from gateway.backoffice.accounts import AccountRule, Accounts
from gateway.backoffice.transport import ExchangeError
from tests.policies.people import FIRE, subject

if TYPE_CHECKING:
    from pathlib import Path

POLICE = "cheshire-police"
PERSON = subject(organisation=FIRE, number="40011")


def rule(
    prefix: str = "",
    source: Literal["username", "employee_number"] = "username",
    letters: Literal["as-is", "upper", "lower"] = "upper",
) -> AccountRule:
    return AccountRule(source=source, letters=letters, prefix=prefix)


def refused(accounts: Accounts, username: str = "bob") -> tuple[int, str]:
    with pytest.raises(ExchangeError) as caught:
        accounts.of(PERSON, username)
    return caught.value.status, caught.value.code


@pytest.mark.parametrize(
    ("made", "account"),
    [
        (rule("F_"), "F_BOB"),
        (rule("F_", letters="as-is"), "F_Bob"),
        (rule("F_", letters="lower"), "F_bob"),
        (rule("F", "employee_number"), "F40011"),
    ],
)
def test_an_account_is_made_by_the_rule_of_the_organisation(
    made: AccountRule, account: str
) -> None:
    accounts = Accounts("ebs", rules={FIRE: made, POLICE: rule()}, file=None)

    assert accounts.of(PERSON, "Bob") == Account(name=account)


@pytest.mark.parametrize(
    ("rules", "username"),
    [
        ({POLICE: rule()}, "bob"),
        ({FIRE: rule("F_")}, ""),
        ({FIRE: rule("F_")}, "b\u00f6b"),
        ({FIRE: rule("F_")}, "bob\r\nX: y"),
        # becomes a colleague's in capitals, or in small letters
        ({FIRE: rule("F_")}, "\u017fmith"),
        ({FIRE: rule("F_")}, "stra\u00dfe"),
        ({FIRE: rule("F_", letters="lower")}, "\u212aim"),
        # what another organisation's rule would make of their own staff
        ({FIRE: rule(), POLICE: rule("CP_")}, "cp_alice"),
    ],
)
def test_whoever_has_none_is_refused(rules: dict[str, AccountRule], username: str) -> None:
    assert refused(Accounts("ebs", rules=rules, file=None), username) == (403, "no-account")


def test_the_table_goes_before_the_rule_and_its_accounts_are_nobody_elses(tmp_path: Path) -> None:
    file = tmp_path / "ebs.csv"
    file.write_text(f"staff_id,account,guid\n{PERSON.staff_id},Chief,0AF3\n")
    accounts = Accounts("ebs", rules={FIRE: rule()}, file=file)

    assert accounts.of(PERSON, "bob") == Account(name="Chief", guid="0AF3")
    other = replace(PERSON, staff_id="cheshire-fire/other")
    assert accounts.of(other, "bob") == Account(name="BOB")
    with pytest.raises(ExchangeError, match="no-account"):
        accounts.of(other, "chief")


def test_a_table_that_is_replaced_is_used_within_a_second_and_a_broken_one_refuses_all(
    tmp_path: Path,
) -> None:
    now = 100.0
    file = tmp_path / "ebs.csv"
    file.write_text(f"staff_id,account\n{PERSON.staff_id},ONE\n")
    accounts = Accounts("ebs", rules={FIRE: rule()}, file=file, monotonic=lambda: now)
    first = accounts.of(PERSON, "bob")
    new = tmp_path / "new"

    new.write_text(f"staff_id,account\n{PERSON.staff_id},TWO\n")
    new.replace(file)
    now += 1
    second = accounts.of(PERSON, "bob")
    new.write_text(f"staff_id,account\n{PERSON.staff_id},\n")
    new.replace(file)
    now += 1
    broken = refused(accounts)
    file.unlink()
    now += 1
    gone = refused(accounts)
    file.write_text("staff_id,account\n")
    now += 1

    assert (first.name, second.name) == ("ONE", "TWO")
    assert broken == gone == (503, "accounts-unusable")
    assert accounts.of(PERSON, "bob").name == "BOB"
