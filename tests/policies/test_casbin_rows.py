"""Rows for Casbin: what is written is read back the same, and nothing else is read."""

from __future__ import annotations

from random import Random

import casbin
import pytest
from casbin.persist.adapters.string_adapter import StringAdapter
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.casbin_oracle import model_text
from policies.casbin_rows import ALLOW, DENY, Row, RowError, matcher_of, rows_of
from policies.criteria import CriterionError
from tests.policies.generated import generated_question, generated_subject
from tests.policies.people import asked, cheshire, subject

FIELD = st.text(min_size=1, max_size=40)
ENCODABLE = FIELD.filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text))
ROWS = st.builds(Row, ENCODABLE, ENCODABLE, ENCODABLE, ENCODABLE, st.sampled_from([ALLOW, DENY]))


@settings(deadline=None, max_examples=50)  # a model is parsed for each
@given(st.lists(ROWS, min_size=1, max_size=20))
def test_rows_survive_casbins_text_adapter_unchanged(rows: list[Row]) -> None:
    """Commas, brackets, newlines and blanks at the edges would each lose or forge a rule."""
    text = "\n".join(row.to_text() for row in rows)
    enforcer = casbin.Enforcer(casbin.Enforcer.new_model(text=model_text()), StringAdapter(text))

    loaded = [Row.from_text(", ".join(("p", *fields))) for fields in enforcer.get_policy()]

    assert loaded == rows


@pytest.mark.parametrize(
    "line",
    [
        "",
        "p, a, pay.slip, read, w",  # a field too few
        "p, a, pay.slip, read, w, allow, deny",
        "p, , pay.slip, read, w, allow",  # an empty field
        "p, a, pay.slip, read, w, Deny",
        "p, a, pay.slip, read, w, permit",
        "g, a, pay.slip, read, w, allow",
        "p, a, pay slip, read, w, allow",  # not encoded
        "p, a, pay%2eslip, read, w, allow",  # encoded in another way
        "p,a,pay.slip,read,w,allow",
        "p, a, pay.slip, read, w, allow # deny",
    ],
)
def test_a_line_in_any_other_form_is_refused(line: str) -> None:
    """An effect spelt otherwise would count as no deny, and the allow would win."""
    with pytest.raises(RowError):
        Row.from_text(line)


@pytest.mark.parametrize(
    "when",
    [
        "",
        "true",
        "{}",
        "[]",
        '{"rule":[]}',
        '{"rule":[["colour",["red"]]]}',
        '{"rule":[["post"]]}',
        '{"rule":[["own_record",true]],"gate":{}}',
        '{"gate":{}}',
        "False) or (True",
        "__import__('os')",
    ],
)
def test_a_condition_that_is_not_one_is_refused(when: str) -> None:
    with pytest.raises((RowError, CriterionError)):
        matcher_of(when, cheshire().terms)


def test_a_condition_with_an_unknown_word_is_refused() -> None:
    with pytest.raises(CriterionError):
        matcher_of('{"rule":[["organisation",["navy"]]]}', cheshire().terms)


def test_a_row_with_another_effect_never_matches() -> None:
    matches = matcher_of('{"rule":[["own_record",true]]}', cheshire().terms)
    question = asked(subject("DBSB"))

    assert matches(question, ALLOW, None)
    assert matches(question, DENY, None)
    assert not matches(question, "Deny", None)
    assert not matches(question, "", None)


def test_unknown_is_not_met_on_an_allow_row_and_met_on_a_deny_row() -> None:
    matches = matcher_of('{"rule":[["unit",["custody"]]]}', cheshire().terms)
    question = asked(subject("DBSB", unit=""))

    assert not matches(question, ALLOW, None)
    assert matches(question, DENY, None)


def test_every_function_and_action_has_its_gates_and_every_rule_its_rows() -> None:
    rows = list(rows_of(cheshire()))
    gates = {(row.function, row.action) for row in rows if row.id.startswith("gate:")}
    functions = cheshire().catalogue.functions

    assert gates == {(name, action) for name in functions for action in ("read", "write")}
    assert {row.id for row in rows if not row.id.startswith("gate:")} == {
        rule.id for rule in cheshire().rules
    }
    assert all(row.effect == DENY for row in rows if row.id.startswith("gate:"))


def test_a_gate_row_matches_exactly_when_the_engine_ends_at_a_gate_before_or_after_the_rules() -> (
    None
):
    from policies.decision import Gate
    from policies.engine import Engine

    random = Random(41)
    engine = Engine.compile(cheshire())
    gates = {
        row.function: matcher_of(row.when, cheshire().terms)
        for row in rows_of(cheshire())
        if row.id.startswith("gate:")
    }
    ended = set()
    for _ in range(1500):
        who = generated_subject(cheshire(), random)
        question = generated_question(cheshire(), who, random)
        decision = engine.decide(question)
        ended.add(decision.gate)
        if decision.gate is not Gate.RULE:  # there the obligation is not known yet
            expected = decision.gate is not Gate.PERMITTED
            assert gates[question.function.id](question, DENY, None) is expected
    assert {Gate.AGREEMENT, Gate.CLEARANCE, Gate.PERMITTED} <= ended
