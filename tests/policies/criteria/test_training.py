"""Criterion `training`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from policies.criteria import Result
from policies.criteria.training import TrainedIn
from policies.engine import Engine
from tests.policies.people import asked, rule_text, subject, with_rules

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("trainings", "expected"),
    [
        (("data-protection", "driving"), Result.MET),
        (("driving",), Result.NOT_MET),
        ((), Result.UNKNOWN),
    ],
)
def test_the_training_must_be_held(trainings: tuple[str, ...], expected: Result) -> None:
    criterion = TrainedIn(frozenset({"data-protection"}))

    assert criterion.result(asked(subject(trainings=trainings))) is expected


def test_without_a_known_training_nothing_is_permitted_and_a_deny_bites(tmp_path: Path) -> None:
    permit = rule_text('training = ["data-protection"]')
    engine = Engine.compile(with_rules(tmp_path, permit))

    assert engine.decide(asked(subject("DBSB", trainings=["data-protection"]))).permitted
    assert not engine.decide(asked(subject("DBSB"))).permitted

    deny = rule_text('training = ["driving"]', id="drivers", effect="deny")
    engine = Engine.compile(with_rules(tmp_path, rule_text("own_record = true") + deny))

    assert engine.decide(asked(subject("DBSB", trainings=["data-protection"]))).permitted
    assert not engine.decide(asked(subject("DBSB"))).permitted
