"""Rules: how they are written, and that a file with a fault tells all of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from policies.decision import Effect
from policies.errors import PolicyFileError
from policies.rules import load_rules
from tests.policies.people import FIRE, cheshire, rule_text, with_rules

if TYPE_CHECKING:
    from pathlib import Path


def faults_of(directory: Path, text: str) -> list[str]:
    with pytest.raises(PolicyFileError) as refused:
        with_rules(directory, text)
    return [f"{fault.line}: {fault.where}: {fault.message}" for fault in refused.value.faults]


def test_a_rule_is_read_with_everything_it_says(tmp_path: Path) -> None:
    text = rule_text(
        f'own_record = true, organisation = ["{FIRE}"]',
        functions='["pay.slip", "area:Fleet"]',
        actions='["read", "write"]',
        more="starts = 2018-04-01\nends = 2027-03-31",
    )

    (rule,) = with_rules(tmp_path, text).rules

    assert rule.effect is Effect.PERMIT
    assert rule.functions >= {"pay.slip", "fleet.book", "fleet.defect", "fleet.work"}
    assert rule.actions == {"read", "write"}
    assert [criterion.name for criterion in rule.criteria] == [
        "organisation",  # the order of the vocabulary, whatever the file's
        "own_record",
        "period",
    ]
    assert rule.sentence() == (
        "Staff of cheshire-fire, on their own record, from 1 April 2018 until 31 March 2027, "
        "may read and write pay.slip, area:Fleet."
    )


def test_every_fault_of_a_file_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    text = """
[[rule]]
id = "one"
effect = "Deny"
functions = ["pay.slipp", "area:nowhere"]
actions = ["look"]
reason = "r"
when = { organisation = ["cheshire-fire", "cheshire-fyre"], clearance = "N9", team = true }

[[rule]]
id = "one"
effect = "permit"
functions = ["pay.slip"]
actions = ["read"]
reason = "r"
owner = "o"
when = { own_record = false }
colour = "red"

[[rule]]
id = "one"
effect = "permit"
functions = ["pay.slip"]
actions = ["read"]
reason = "r"
owner = "o"
when = { own_record = true }
starts = 2020-01-02
ends = 2020-01-01
"""

    told = faults_of(tmp_path, text)

    for expected in (
        "4: rule[1].effect: unknown value `Deny`",
        "5: rule[1].functions: `pay.slipp` is not in the catalogue",
        "5: rule[1].functions: `area:nowhere` is not in the catalogue",
        "6: rule[1].actions[1]: `look` is not an action",
        "8: rule[1].when.organisation[2]: `cheshire-fyre` is not known",
        "8: rule[1].when.team: unknown key `team`",
        "17: rule[2].when.own_record: `False` is not true",
        "18: rule[2].colour: unknown key `colour`",
        "21: rule[3].id: `one` is declared twice",
        "29: rule[3].ends: it ends before it starts",
    ):
        assert expected in told
    assert any(line.startswith("8: rule[1].when.clearance: ") for line in told)
    assert any("`owner` is missing" in line for line in told)
    assert [int(line.split(":")[0]) for line in told] == sorted(
        int(line.split(":")[0]) for line in told
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "`rule` is missing"),
        ("rule = []", "is empty"),
        (rule_text(""), "has no criteria"),
        (rule_text("post = []"), "is not a list of words"),
        (rule_text('post = "hr"'), "is not a list of words"),
        (rule_text('post = ["hr", "hr"]'), "written twice"),
        (rule_text('post = [" hr"]'), "begins or ends with a blank"),
        (rule_text('post = [""]'), "is not a word"),
        (rule_text("post = [1]"), "is not a word"),
        (rule_text('organisation_kind = ["navy"]'), "`navy` is not known"),
        (rule_text('appointment = ["king"]'), "`king` is not known"),
        (rule_text('factor = ["smile"]'), "`smile` is not known"),
        (rule_text('agreement = ["handshake"]'), "`handshake` is not known"),
        (rule_text("clearance = 3"), "is not a requirement"),
        (rule_text("own_record = true", effect="allow"), "unknown value `allow`"),
        (rule_text("own_record = true", functions="[]"), "is empty"),
        (rule_text("own_record = true", actions="[]"), "is empty"),
        (rule_text("own_record = true", more="ends = 9999-12-31"), "is too far away"),
        (rule_text("own_record = true", more="starts = 2018-04-01T10:00:00"), "right kind"),
        (rule_text("own_record = true", id="No Blanks"), "not of the right form"),
    ],
)
def test_what_is_not_understood_never_loads(tmp_path: Path, text: str, message: str) -> None:
    """A misspelt effect or an empty list would otherwise be read as something nobody meant."""
    assert any(message in fault for fault in faults_of(tmp_path, text))


def test_without_a_catalogue_the_other_faults_are_still_told(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(rule_text('post = "hr"', functions='["no.such"]'), encoding="utf-8")

    with pytest.raises(PolicyFileError) as refused:
        load_rules(path, functions=None, terms=cheshire().terms)

    assert [fault.where for fault in refused.value.faults] == ["rule[1].when.post"]


def test_loading_takes_time_linear_in_the_number_of_rules(tmp_path: Path) -> None:
    """Files of 20,000 rules exist; ten times the rules may not take a hundred times as long."""

    def seconds(count: int) -> float:
        text = "".join(
            rule_text(f'post = ["post-{n}"]', id=f"rule-{n}", more="") for n in range(count)
        )
        begun = time.process_time()
        assert len(with_rules(tmp_path, text).rules) == count
        return time.process_time() - begun

    few = min(seconds(100) for _ in range(3))

    assert seconds(1000) < 40 * few
