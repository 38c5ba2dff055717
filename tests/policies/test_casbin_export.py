"""The export: any Casbin loads it, and it reads back to the identical policy set."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import casbin
import pytest

from policies.casbin_export import export_text, import_text
from policies.casbin_oracle import model_text
from policies.casbin_rows import RowError, rows_of
from tests.policies.generated import bound, generated_rules, generous
from tests.policies.people import cheshire

if TYPE_CHECKING:
    from pathlib import Path

    from policies.policy_set import PolicySet


def generated(seed: int) -> PolicySet:
    policy_set = generous(cheshire())
    random = Random(seed)
    return replace(policy_set, rules=bound(generated_rules(policy_set, 120, random), random))


@pytest.mark.parametrize("seed", range(6))
def test_an_export_reads_back_to_the_identical_policy_set(seed: int) -> None:
    policy_set = generated(seed)

    read = import_text(export_text(policy_set), replace(policy_set, rules=()))

    assert read == policy_set
    assert [rule.criteria for rule in read.rules] == [rule.criteria for rule in policy_set.rules]


def test_the_shipped_policy_set_reads_back() -> None:
    assert import_text(export_text(cheshire()), replace(cheshire(), rules=())) == cheshire()


def test_plain_casbin_loads_model_and_policy_from_files(tmp_path: Path) -> None:
    policy_set = generated(1)
    model, policy = tmp_path / "model.conf", tmp_path / "policy.csv"
    model.write_text(model_text(), encoding="utf-8")
    policy.write_text(export_text(policy_set), encoding="utf-8")

    enforcer = casbin.Enforcer(str(model), str(policy))

    assert len(enforcer.get_policy()) == len(list(rows_of(policy_set)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("# rule ", "#rule ", "form|fields"),
        ('"owner":"tests"', '"owner":"tests","more":1', "is not the comment"),
        ('{"functions"', '{functions"', "is not the comment"),
        ('"id":"generated.3"', '"id":"generated.33"', "not below its comment"),
        ("p, gate%3Apay.slip, pay.slip, read", "p, gate%3Apay.slip, pay.slip, write", "not those"),
        ("generated.5, ", "generated.5,  ", "form"),
    ],
)
def test_a_text_that_was_changed_is_not_taken_over(old: str, new: str, message: str) -> None:
    policy_set = generated(2)
    text = export_text(policy_set)
    assert old in text

    with pytest.raises(RowError, match=message):
        import_text(text.replace(old, new, 1), policy_set)


def test_rows_of_one_rule_that_say_different_things_are_not_taken_over() -> None:
    """Each line is in its form, but no rule writes such rows."""
    policy_set = generated(2)
    text = export_text(policy_set)
    ids = [line.split(", ")[1] for line in text.splitlines() if line.endswith(", allow")]
    twice = next(each for each in ids if ids.count(each) > 1)
    lines = text.splitlines()
    allowing = (n for n, line in enumerate(lines) if line.endswith(", allow"))
    last = max(n for n in allowing if lines[n].startswith(f"p, {twice}, "))
    lines[last] = lines[last].removesuffix("allow") + "deny"

    with pytest.raises(RowError, match="not those"):
        import_text("".join(f"{line}\n" for line in lines), policy_set)


def test_an_export_beside_other_agreements_is_not_taken_over() -> None:
    policy_set = cheshire()
    ended = replace(policy_set.agreements[0], end=policy_set.agreements[0].start)

    with pytest.raises(RowError, match="these agreements"):
        import_text(
            export_text(policy_set),
            replace(policy_set, agreements=(ended, *policy_set.agreements[1:])),
        )
