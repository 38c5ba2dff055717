"""Criterion `zone`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from policies.criteria import Result
from policies.criteria.zone import FromZones
from policies.engine import Engine
from policies.reasons import Reason
from tests.policies.people import asked, rule_text, subject, with_rules

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("vpn", Result.MET), ("internet", Result.NOT_MET), (None, Result.UNKNOWN)],
)
def test_the_request_must_come_from_there(zone: str | None, expected: Result) -> None:
    criterion = FromZones(frozenset({"vpn", "station-network"}))

    assert criterion.result(asked(subject(), zone=zone)) is expected


def test_a_zone_that_is_not_known_permits_nothing_and_lets_a_deny_bite(tmp_path: Path) -> None:
    permit = rule_text('zone = ["vpn"]')
    deny = rule_text("own_record = true") + rule_text(
        'zone = ["internet"]', id="outside", effect="deny"
    )
    for text, of_vpn in ((permit, True), (deny, True)):
        engine = Engine.compile(with_rules(tmp_path, text))

        assert engine.decide(asked(subject("DBSB"), zone="vpn")).permitted is of_vpn
        assert not engine.decide(asked(subject("DBSB"), zone="internet")).permitted
        assert not engine.decide(asked(subject("DBSB"))).permitted


def test_who_is_connected_from_elsewhere_is_told_so(tmp_path: Path) -> None:
    engine = Engine.compile(with_rules(tmp_path, rule_text('zone = ["vpn"]')))
    question = asked(subject("DBSB"), zone="internet")
    decision = engine.decide(question)

    assert [each.code for each in engine.staff_reasons(question, decision)] == [
        Reason.ZONE_NOT_NAMED
    ]
    (rule,) = engine.explain(question, decision).rules
    assert [(each.mark, each.value) for each in rule.criteria] == [("not met", "internet")]
    assert engine.zones == {"vpn"}
