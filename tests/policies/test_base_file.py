"""Policy files that stand on another: what is there counts here, and nothing is hidden by it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from policies.errors import PolicyFileError
from policies.policy_set import load_policy_set
from tests.policies.people import SHARED, cheshire, copied_set, rule_text

if TYPE_CHECKING:
    from pathlib import Path

COMMON = SHARED / "rules.toml"
OWN_RULE = rule_text('organisation = ["nwas"], own_record = true', id="own.of-this-set")


@pytest.fixture
def standing(tmp_path: Path) -> Path:
    """A set whose rules stand on those that every partnership has."""
    directory = copied_set(tmp_path)
    shutil.copy(COMMON, directory.parent / "common.toml")
    (directory / "rules.toml").write_text(
        'based_on = "../common.toml"\n' + OWN_RULE, encoding="utf-8"
    )
    return directory


def test_the_rules_of_the_other_file_count_before_ones_own(standing: Path) -> None:
    rules = load_policy_set(standing).rules

    assert len(rules) > 1
    assert rules[:-1] == cheshire().rules[: len(rules) - 1]
    assert rules[-1].id == "own.of-this-set"


def test_a_file_may_add_nothing_to_the_one_it_stands_on(standing: Path) -> None:
    (standing / "rules.toml").write_text('based_on = "../common.toml"\n', encoding="utf-8")

    common = load_policy_set(standing).rules
    assert common == cheshire().rules[: len(common)]


def test_a_change_in_the_other_file_changes_the_digest(standing: Path) -> None:
    before = load_policy_set(standing).digest
    common = standing.parent / "common.toml"
    common.write_text(common.read_text("utf-8").replace('["workshop"]', '["garage"]'), "utf-8")

    assert load_policy_set(standing).digest != before


def test_where_the_other_file_lies_does_not_change_the_digest(standing: Path) -> None:
    before = load_policy_set(standing).digest
    (standing.parent / "common.toml").rename(standing / "common.toml")
    rules = standing / "rules.toml"
    rules.write_text(rules.read_text("utf-8").replace("../common", "common"), "utf-8")

    assert load_policy_set(standing).digest == before


@pytest.mark.parametrize(
    ("common", "own", "said"),
    [
        (None, 'based_on = "../nowhere.toml"\n', "there is no file"),
        (None, "based_on = 3\n", "is not of the right kind"),
        ('based_on = "x.toml"\n', 'based_on = "../common.toml"\n', "based on another file itself"),
        ("rule = \n", 'based_on = "../common.toml"\n', "cannot be read"),
        (OWN_RULE, 'based_on = "../common.toml"\n' + OWN_RULE, "declared twice"),
        (
            OWN_RULE.replace("pay.slip", "pay.slop"),
            'based_on = "../common.toml"\n' + OWN_RULE.replace("own.of", "other.of"),
            "not in the catalogue",
        ),
    ],
)
def test_what_cannot_be_stood_on_is_refused_with_where_and_why(
    standing: Path, common: str | None, own: str, said: str
) -> None:
    if common is not None:
        (standing.parent / "common.toml").write_text(common, encoding="utf-8")
    (standing / "rules.toml").write_text(own, encoding="utf-8")

    with pytest.raises(PolicyFileError, match=said):
        load_policy_set(standing)
