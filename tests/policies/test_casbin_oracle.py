"""The oracle: Casbin and the engine agree everywhere, and a disagreement is found."""

from __future__ import annotations

import importlib.metadata
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import casbin
import pytest
from typing_extensions import override

import policies
from policies.casbin_oracle import CasbinOracle, OracleAnswer, model_text
from policies.casbin_rows import Row, RowError, rows_of
from policies.decision import Effect
from policies.engine import Engine
from policies.obligations import NO_OBLIGATIONS
from tests.policies.generated import (
    bound,
    generated_question,
    generated_rules,
    generated_subject,
    generous,
)
from tests.policies.people import (
    FIRE,
    HOST,
    asked,
    cheshire,
    requirement,
    subject,
    with_function,
    with_words,
)

if TYPE_CHECKING:
    from policies.criteria import Terms
    from policies.policy_set import PolicySet
    from policies.question import Question


class Heard(CasbinOracle):
    """Keeps what it answered, as asking Casbin again takes as long."""

    def __init__(self, policy_text: str, terms: Terms, *, enforcer_per_function: bool) -> None:
        super().__init__(policy_text, terms, enforcer_per_function=enforcer_per_function)
        self.answers: list[OracleAnswer] = []

    @override
    def answer(self, question: Question) -> OracleAnswer:
        self.answers.append(super().answer(question))
        return self.answers[-1]


def generated_set(seed: int, rules: int = 250) -> PolicySet:
    """Generated rules over offers to everybody, with floors that depend on the owner."""
    random = Random(seed)
    policy_set = with_function(
        with_words(generous(cheshire())),
        "hr.search",
        floor_by_owner={FIRE: requirement("BASE"), "nwas": requirement("SC or MV")},
    )
    policy_set = with_function(policy_set, "hr.me", floor_by_owner={HOST: requirement("RV")})
    policy_set = with_function(policy_set, "log.stores", obligations=("step-up", "watermark"))
    return replace(policy_set, rules=bound(generated_rules(policy_set, rules, random), random))


def generated_questions(policy_set: PolicySet, seed: int, count: int) -> list[Question]:
    random = Random(seed)
    staff = [generated_subject(policy_set, random) for _ in range(150)]
    return [generated_question(policy_set, random.choice(staff), random) for _ in range(count)]


@pytest.mark.parametrize("seed", range(4))
def test_engine_and_casbin_agree_on_thousands_of_generated_questions(seed: int) -> None:
    policy_set = generated_set(seed)
    engine = Engine.compile(policy_set)
    oracle = Heard.from_policy_set(policy_set)
    assert isinstance(oracle, Heard)
    questions = generated_questions(policy_set, seed, 1500)

    assert oracle.compare(engine.decide, questions) == ()
    assert len(oracle.answers) == 1500
    assert {answer.error for answer in oracle.answers} == {None}
    assert 50 < sum(answer.effect is Effect.PERMIT for answer in oracle.answers) < 1450


def test_engine_and_casbin_agree_on_generated_questions_to_the_shipped_set() -> None:
    engine = Engine.compile(cheshire())
    oracle = CasbinOracle.from_policy_set(cheshire())

    assert oracle.compare(engine.decide, generated_questions(cheshire(), 9, 3000)) == ()


def test_one_enforcer_and_one_a_function_say_the_same() -> None:
    policy_set = generated_set(7, rules=80)
    one = CasbinOracle.from_policy_set(policy_set, enforcer_per_function=False)
    many = CasbinOracle.from_policy_set(policy_set, enforcer_per_function=True)
    for question in generated_questions(policy_set, 7, 150):
        assert one.answer(question) == many.answer(question)


@cache
def of_the_third() -> tuple[PolicySet, tuple[Question, ...], CasbinOracle]:
    """Give a generated set, questions to it, and its oracle, all of which never change."""
    policy_set = generated_set(3)
    questions = tuple(generated_questions(policy_set, 3, 1500))
    return policy_set, questions, CasbinOracle.from_policy_set(policy_set)


@pytest.mark.parametrize(
    "fault", ["deny rule lost", "criterion lost", "agreement lost", "obligation lost"]
)
def test_a_planted_disagreement_is_found(fault: str) -> None:
    """Each fault is one that a mistake in the compiler could make."""
    policy_set, questions, oracle = of_the_third()
    rules = policy_set.rules
    if fault == "deny rule lost":
        rules = tuple(rule for rule in rules if rule.effect is Effect.PERMIT)
    elif fault == "criterion lost":
        rules = tuple(
            replace(rule, when=rule.when[:-1]) if len(rule.when) > 1 else rule for rule in rules
        )
    elif fault == "obligation lost":
        rules = tuple(replace(rule, obligations=NO_OBLIGATIONS) for rule in rules)
    faulty = replace(policy_set, rules=rules)
    if fault == "agreement lost":
        faulty = replace(faulty, agreements=policy_set.agreements[:-1])

    found = oracle.compare(Engine.compile(faulty).decide, questions)

    assert found
    assert all(each.decision.effect is not each.answer.effect for each in found)


def test_one_wrong_answer_among_a_thousand_is_found() -> None:
    engine = Engine.compile(cheshire())
    oracle = CasbinOracle.from_policy_set(cheshire())
    questions = generated_questions(cheshire(), 5, 1000)
    liar = questions[617]

    def decide(question: Question) -> Any:
        decision = engine.decide(question)
        if question is not liar:
            return decision
        wrong = Effect.DENY if decision.permitted else Effect.PERMIT
        return decision._replace(effect=wrong)

    (found,) = oracle.compare(decide, questions)

    assert found.question is liar


def test_without_rows_casbin_is_not_asked() -> None:
    """With an empty policy Casbin evaluates its matcher against empty strings, and may allow."""
    for per_function in (True, False):
        oracle = CasbinOracle("", cheshire().terms, enforcer_per_function=per_function)

        assert oracle.decide(asked(subject("DBSB"))) is Effect.DENY


def test_a_policy_set_without_rules_permits_nothing() -> None:
    oracle = CasbinOracle.from_policy_set(replace(cheshire(), rules=()))

    assert oracle.decide(asked(subject("DBSB"))) is Effect.DENY


def test_empty_values_are_refused_before_casbin_is_asked() -> None:
    oracle = CasbinOracle.from_policy_set(cheshire())
    question = asked(subject("DBSB"))
    nobody = replace(question, subject=replace(question.subject, staff_id=""))
    nothing = replace(question, function=replace(question.function, id=""))
    no_action = replace(question, action="")

    assert oracle.decide(question) is Effect.PERMIT
    for empty in (nobody, nothing, no_action):
        assert oracle.answer(empty).effect is Effect.DENY
        assert oracle.answer(empty).error is None


def test_an_unknown_function_is_denied() -> None:
    question = asked(subject("DBSB"))
    unknown = replace(question, function=replace(question.function, id="no.such"))
    for per_function in (True, False):
        oracle = CasbinOracle.from_policy_set(cheshire(), enforcer_per_function=per_function)

        assert oracle.decide(unknown) is Effect.DENY


@pytest.mark.parametrize("missing", ["posts", "clearance", "team"])
def test_an_exception_denies_and_is_told(missing: str) -> None:
    engine = Engine.compile(cheshire())
    oracle = CasbinOracle.from_policy_set(cheshire())
    broken: dict[str, Any] = {missing: None}
    who = subject("RV", organisation=HOST, posts=["manager"], team=["1"])
    question = asked(who, "hr.team")
    unreadable = replace(question, subject=replace(who, **broken))

    assert oracle.decide(question) is Effect.PERMIT
    answer = oracle.answer(unreadable)
    assert answer.effect is Effect.DENY is engine.decide(unreadable).effect


def test_an_error_in_a_row_is_told() -> None:
    oracle = CasbinOracle.from_policy_set(cheshire())
    broken: dict[str, Any] = {"clearance": None}
    answer = oracle.answer(asked(replace(subject("DBSB"), **broken)))

    assert answer.error is not None
    assert "AttributeError" in answer.error


def test_rows_are_checked_before_casbin_sees_them() -> None:
    lines = [row.to_text() for row in rows_of(cheshire())]
    misspelt = [line.removesuffix("deny") + "Deny" for line in lines]

    with pytest.raises(RowError):
        CasbinOracle("\n".join(misspelt), cheshire().terms, enforcer_per_function=False)


def test_the_text_that_was_exported_loads_to_the_same_answers() -> None:
    first = CasbinOracle.from_policy_set(cheshire())
    second = CasbinOracle(first.policy_text, cheshire().terms, enforcer_per_function=True)
    for question in generated_questions(cheshire(), 8, 300):
        assert first.answer(question) == second.answer(question)
    assert [Row.from_text(line) for line in first.policy_text.splitlines()] == list(
        rows_of(cheshire())
    )


def test_threads_do_not_disturb_each_other() -> None:
    """Parsing the matcher at each call fails now and then under threads (CPython gh-106905)."""
    policy_set = generated_set(6, rules=60)
    oracle = CasbinOracle.from_policy_set(policy_set)
    questions = generated_questions(policy_set, 6, 1200)
    expected = [oracle.answer(question) for question in questions]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(oracle.answer, questions, chunksize=25))

    assert found == expected


def test_the_model_is_the_one_of_the_design() -> None:
    model = model_text()

    assert "e = some(where (p.eft == allow)) && !some(where (p.eft == deny))" in model
    assert "eval(" not in model
    assert "#" not in model, "Casbin cuts a matcher at a hash"


def test_only_one_casbin_is_installed_and_it_is_the_projects_own() -> None:
    """`casbin` and `pycasbin` overwrite each other's files in the same module."""
    owners = importlib.metadata.packages_distributions()["casbin"]
    version = importlib.metadata.version("simpleeval")

    assert set(owners) == {"pycasbin"}
    assert tuple(int(part) for part in version.split(".")[:3]) >= (1, 0, 8)
    assert casbin.__file__


def test_casbin_is_imported_by_one_module_and_its_traps_by_none() -> None:
    sources = {
        path.relative_to(root.parent).as_posix(): path.read_text(encoding="utf-8")
        for root in (Path(policies.__file__).parent,)
        for path in root.rglob("*.py")
    }
    importing = {name for name, text in sources.items() if "import casbin" in text}

    assert importing == {"policies/casbin_oracle.py"}
    for name, text in sources.items():
        assert "enable_enforce" not in text, name
        assert "FastEnforcer(" not in text, name
        assert " eval(" not in text, name
        assert " exec(" not in text, name


def test_casbin_writes_no_questions_to_a_log(caplog: pytest.LogCaptureFixture) -> None:
    """Its own log line would hold the whole request, and so personal data."""
    oracle = CasbinOracle.from_policy_set(cheshire())
    with caplog.at_level(logging.DEBUG):
        oracle.decide(asked(subject("DBSB")))

    assert "7d3c" not in caplog.text
