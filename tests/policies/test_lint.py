"""Findings on policy sets: each code is found where it is planted, and only there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from policies.acceptance import Acceptance
from policies.lint import Grade, lint
from tests.policies.people import AT, cheshire, rule_text, with_function, with_rules
from vetting.days import LAST_YEAR
from vetting.levels import LevelId

if TYPE_CHECKING:
    from pathlib import Path

    from policies.policy_set import PolicySet

FIRE = 'organisation = ["cheshire-fire"]'


def found(policy_set: PolicySet, code: str, *, at: datetime = AT) -> list[str]:
    return [each.where for each in lint(policy_set, at=at) if each.code == code]


def test_the_shipped_set_has_no_security_warning() -> None:
    assert [each for each in lint(cheshire(), at=AT) if each.grade is Grade.SECURITY_WARNING] == []


@pytest.mark.parametrize(
    ("code", "rules"),
    [
        ("L101", rule_text(f"{FIRE}, own_record = true", functions='["duty.me"]')),
        ("L102", rule_text(f"{FIRE}, own_record = true", more="ends = 2026-11-20")),
        ("L103", rule_text(FIRE, functions='["hr.search"]')),
        (
            "L104",
            rule_text(f"{FIRE}, own_record = true")
            + rule_text('organisation_kind = ["fire"]', id="d", effect="deny"),
        ),
        (
            "L105",
            rule_text(f'{FIRE}, post = ["firefighter"]')
            + rule_text('organisation_kind = ["fire"], post = ["firefighter", "hr"]', id="wide"),
        ),
        ("L110", rule_text('organisation_kind = ["council"], own_record = true')),
        (
            "L111",
            rule_text(FIRE, more='obligations = { purpose = ["audit"] }')
            + rule_text('post = ["hr"]', id="b", more='obligations = { purpose = ["complaint"] }'),
        ),
        (
            "L112",
            rule_text(FIRE, actions='["write"]', more="obligations = { read_only = true }"),
        ),
        (
            "L116",
            rule_text(FIRE, functions='["ict.ticket"]', more="obligations = { watermark = true }"),
        ),
    ],
)
def test_a_rule_that_is_odd_is_found(tmp_path: Path, code: str, rules: str) -> None:
    assert found(with_rules(tmp_path, rules), code) == ["rule `tested`"]


@pytest.mark.parametrize(
    ("code", "rules"),
    [
        ("L101", rule_text(f"{FIRE}, own_record = true")),
        ("L116", rule_text(FIRE, functions='["ict.ticket"]')),
        ("L116", rule_text(FIRE, more="obligations = { watermark = true }")),
        ("L102", rule_text(f"{FIRE}, own_record = true", more="ends = 2026-11-21")),
        ("L103", rule_text(f'{FIRE}, post = ["hr"]', functions='["hr.search"]')),
        ("L103", rule_text(FIRE, functions='["hr.sit"]')),
        (
            "L104",
            rule_text(f"{FIRE}, own_record = true")
            + rule_text(f'{FIRE}, post = ["hr"]', id="d", effect="deny"),
        ),
        (
            "L104",
            rule_text("own_record = true") + rule_text(FIRE, id="d", effect="deny"),
        ),
        (
            "L104",
            rule_text(f"{FIRE}, own_record = true")
            + rule_text(FIRE, id="d", effect="deny", more="ends = 2027-01-01"),
        ),
        (
            "L105",
            rule_text(f'{FIRE}, post = ["firefighter", "hr"]')
            + rule_text(f'{FIRE}, post = ["firefighter"]', id="narrow", functions='["hr.me"]'),
        ),
        ("L110", rule_text(f"{FIRE}, own_record = true")),
    ],
)
def test_a_rule_that_is_meant_so_is_not_found(tmp_path: Path, code: str, rules: str) -> None:
    assert found(with_rules(tmp_path, rules), code) == []


def test_functions_that_nobody_is_permitted_are_found(tmp_path: Path) -> None:
    only = with_rules(tmp_path, rule_text(f"{FIRE}, own_record = true"))

    assert "function `pay.bank`" in found(only, "L106")
    assert "function `pay.slip`" not in found(only, "L106")


def test_what_a_partner_is_offered_but_not_permitted_is_found(tmp_path: Path) -> None:
    only = with_rules(
        tmp_path, rule_text(f"{FIRE}, own_record = true", functions='["est.job", "pay.slip"]')
    )

    assert found(only, "L107") == ["function `est.job`"]  # offered to the ambulance service too


def test_agreements_that_are_due_are_found() -> None:
    def with_dates(**dates: date) -> PolicySet:
        agreements = tuple(
            replace(each, **dates)  # type: ignore[arg-type] # days only
            if each.id == "nwas-premises"
            else each
            for each in cheshire().agreements
        )
        return replace(cheshire(), agreements=agreements)

    where = ["agreement `nwas-premises`"]
    assert found(with_dates(review_due=date(2026, 11, 20)), "L108") == where
    assert found(with_dates(end=date(2026, 11, 20)), "L108") == where
    assert found(with_dates(dsa_expires=date(2027, 2, 1)), "L108") == where
    assert found(with_dates(end=date(2027, 6, 1), review_due=date(2026, 11, 21)), "L108") == []


def test_a_post_that_is_probably_misspelt_is_found(tmp_path: Path) -> None:
    rules = (
        rule_text(f'{FIRE}, post = ["watch-manager"]', id="a")
        + rule_text(f'{FIRE}, post = ["watch-manager"]', id="b", functions='["hr.me"]')
        + rule_text(f'{FIRE}, post = ["watch-manger"]', functions='["hr.absence"]')
    )

    assert found(with_rules(tmp_path, rules), "L109") == ["rule `tested`"]


def test_findings_come_gravest_first_and_read_on_one_line(tmp_path: Path) -> None:
    findings = lint(with_rules(tmp_path, rule_text(FIRE, functions='["hr.search"]')), at=AT)

    assert [each.grade for each in findings] == sorted(
        (each.grade for each in findings), key=list(Grade).index
    )
    assert str(findings[0]).startswith("L103 security-warning: rule `tested`: whoever works there")


def test_a_far_day_and_a_function_of_the_gateway_do_not_disturb(tmp_path: Path) -> None:
    rules = rule_text(FIRE, functions='["gate.portal"]', more=f"ends = {LAST_YEAR}-01-01")
    policy_set = with_function(with_rules(tmp_path, rules), "gate.portal")

    assert found(policy_set, "L102", at=datetime(2026, 1, 1, tzinfo=UTC)) == []
    assert found(policy_set, "L101") == []


def test_a_permit_that_is_bound_is_not_called_contained(tmp_path: Path) -> None:
    narrow = rule_text(f'{FIRE}, post = ["hr"]', more="obligations = { watermark = true }")

    assert found(with_rules(tmp_path, narrow + rule_text(FIRE, id="wide")), "L105") == []


def test_words_that_no_rule_names_are_found(tmp_path: Path) -> None:
    bound = 'obligations = { purpose = ["audit", "complaint"], mask = ["health"] }'

    assert found(with_rules(tmp_path, rule_text(FIRE, more=bound)), "L113") == [
        "field set `bank-details`",
        "purpose `pay-query`",
    ]
    assert "L111" not in {each.code for each in lint(cheshire(), at=AT)}


def test_vetting_that_is_taken_for_more_or_counts_already_is_found() -> None:
    shipped = cheshire()
    accepts = [
        Acceptance(body=body, level=LevelId(level), counts_as=LevelId(counts_as))
        for body, level, counts_as in (
            ("north-police", "MV", "RV"),
            ("south-police", "N2F", "RV"),
            (shipped.host.id, "RV", "RV"),
        )
    ]

    def codes(*accepts: Acceptance) -> list[str]:
        agreements = (replace(shipped.agreements[0], accepts=accepts), *shipped.agreements[1:])
        found = lint(replace(shipped, agreements=agreements), at=AT)
        return [each.code for each in found if each.code in {"L114", "L115"}]

    assert [codes(each) for each in accepts] == [[], ["L114"], ["L115"]]
