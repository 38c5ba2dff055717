"""Figures of the group `decision` at other sizes than 1,000 rules: curve, activation, population.

decision.curve_<rules>_us       median decision on one function, of policy sets of 1,000 to
                                20,000 rules that differ only in rules on other functions
decision.curve_growth           the last of them over the first
decision.activation_5000_s      compiling 5,000 rules into an engine ready to be swapped in
decision.oracle_check_s         the check of 1,000 rules against Casbin, loading included
decision.oracle_questions       on how many questions it rests
decision.population_s           36,347 staff and 60 functions, each question decided by itself
decision.population_shared_s    the same decisions, equal questions decided once
decision.memory_mib             what a process grows by for policy set and engine, in use
"""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import median
from typing import TYPE_CHECKING

from policies.activation import check_before_activation
from policies.engine import Engine
from policies.function import GATEWAY_SYSTEM, Action
from policies.population import decide_population
from policies.question import Question
from tests.policies.generated import (
    POSTS,
    RARE,
    UNITS,
    generated_question,
    generated_rules,
    generated_subject,
)
from tests.policies.people import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from policies.policy_set import PolicySet
    from policies.question import Subject

STAFF = 36_347  # Hampshire, full-time equivalents without schools, 2011
CLEARANCES = 60
CURVE = (1_000, 2_000, 5_000, 10_000, 20_000)
CURVE_QUESTIONS = 2_000
ACTIVATED_RULES = 5_000
ORACLE_QUESTIONS = 20_000
ORACLE_SECONDS = 20.0
_FUNCTION = "pay.slip"
_POSTS = tuple(f"post {number}" for number in range(60))
_UNITS = tuple(f"unit {number}" for number in range(150))

MEMORY_PROGRAM = """
import gc, sys
from tests.benchmarks.decision import setting
from tests.benchmarks.decision_scale import resident_mib
from dataclasses import replace
given = setting(casbin=False)
rules, questions = given.policy_set.rules, given.questions
bare = replace(given.policy_set, rules=())
given = None
gc.collect()
before = resident_mib()
from policies.engine import Engine
engine = Engine.compile(replace(bare, rules=rules))
for question in questions:
    engine.decide(question)
gc.collect()
sys.stdout.write(str(resident_mib() - before))
"""


def resident_mib() -> float:
    """The resident memory of this process."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def memory() -> float:
    """What a process of its own grows by when it compiles 1,000 rules and answers 20,000 questions.

    The rules as they were read were there before.
    """
    done = subprocess.run(
        [sys.executable, "-c", MEMORY_PROGRAM], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def curve_sets(policy_set: PolicySet) -> dict[int, tuple[Engine, list[Question]]]:
    """Engines of growing policy sets: the same rules on one function, more and more on others."""
    random = Random(77)
    ours = [rule for rule in policy_set.rules if _FUNCTION in rule.functions]
    others = [
        rule
        for rule in generated_rules(policy_set, CURVE[-1] + 2_000, random, RARE)
        if _FUNCTION not in rule.functions
    ]
    function = policy_set.catalogue.functions[_FUNCTION]
    staff = [generated_subject(policy_set, random) for _ in range(100)]
    questions = [
        replace(generated_question(policy_set, random.choice(staff), random), function=function)
        for _ in range(CURVE_QUESTIONS)
    ]
    at = questions[0].at
    questions = [replace(question, at=at) for question in questions]
    return {
        size: (
            Engine.compile(replace(policy_set, rules=(*ours, *others[: size - len(ours)]))),
            questions,
        )
        for size in CURVE
    }


def curve(
    engines: dict[int, tuple[Engine, list[Question]]],
    timed: Callable[[Callable[[Question], object], list[Question]], list[float]],
) -> dict[str, float]:
    """The median decision of each size, one size after the other."""
    figures = {}
    for size, (engine, questions) in engines.items():
        timed(engine.decide, questions)
        figures[f"decision.curve_{size}_us"] = median(timed(engine.decide, questions)) * 1e6
    first, *_, last = figures.values()
    return {**figures, "decision.curve_growth": last / first}


def activation(policy_set: PolicySet) -> dict[str, float]:
    """Compile 5,000 rules."""
    begun = time.process_time()
    Engine.compile(policy_set)
    return {"decision.activation_5000_s": time.process_time() - begun}


def oracle_check(
    policy_set: PolicySet, staff: list[Subject], number: int, say: Callable[[str], None]
) -> dict[str, float]:
    """The check before activation, as long as it may take."""
    random = Random(number)

    def progress(asked: int) -> None:
        if asked % 5_000 == 0:
            say(f"decision: Casbin was asked {asked} of {ORACLE_QUESTIONS} questions")

    checked = check_before_activation(
        policy_set,
        (
            generated_question(policy_set, random.choice(staff), random)
            for _ in range(ORACLE_QUESTIONS)
        ),
        clock=time.perf_counter,
        limit_seconds=ORACLE_SECONDS,
        progress=progress,
    )
    return {
        "decision.oracle_check_s": checked.seconds,
        "decision.oracle_questions": float(checked.asked),
    }


def population_staff(people: list[Subject]) -> list[Subject]:
    """A staff of that size: of every organisation, with posts and units that few rules name.

    One in seven holds a post and one in ten works in a unit that rules name; one in ten leads a
    team. What they hold is what one of 60 people holds.

    Args:
        people: Of organisations that the policy set has.
    """
    random = Random(2011)
    staff = []
    for number in range(STAFF):
        like = random.choice(people[:CLEARANCES])
        post = random.choice(POSTS if random.random() < 1 / 7 else _POSTS)
        unit = random.choice(UNITS if random.random() < 1 / 10 else _UNITS)
        staff.append(
            replace(
                like,
                staff_id=f"{like.organisation}/{number}",
                employee_number=str(number),
                posts=frozenset({post}),
                unit=unit,
                team=frozenset({str(number + 1)}) if random.random() < 1 / 10 else frozenset(),
                appointments=like.appointments if random.random() < 1 / 100 else frozenset(),
            )
        )
    return staff


def population(
    engine: Engine, staff: list[Subject], at: datetime, say: Callable[[str], None]
) -> dict[str, float]:
    """Everybody and everything, alone and shared; both must come to the same."""
    functions = tuple(
        function
        for function in engine.policy_set.catalogue.functions.values()
        if function.system != GATEWAY_SYSTEM
    )
    gc.collect()
    begun = time.process_time()
    alone = 0
    for number, (_, decisions) in enumerate(
        decide_population(
            engine, staff, functions, action=Action.READ, at=at, factors=PASSWORD, shared=False
        )
    ):
        if number % 10_000 == 0:
            say(f"decision: decided for {number} of {len(staff)} staff")
        alone += sum([decision.permitted for decision in decisions])
    separately = time.process_time() - begun
    begun = time.process_time()
    together = 0
    counted: dict[int, int] = {}
    for _, decisions in decide_population(
        engine, staff, functions, action=Action.READ, at=at, factors=PASSWORD
    ):
        key = id(decisions)  # they are kept as long as this goes on
        if key not in counted:
            counted[key] = sum(decision.permitted for decision in decisions)
        together += counted[key]
    shared = time.process_time() - begun
    if alone != together:
        raise SystemExit(f"benchmark: {alone} permits alone, {together} when shared")
    return {"decision.population_s": separately, "decision.population_shared_s": shared}
