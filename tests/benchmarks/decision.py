"""Benchmark group `decision`: what a decision costs, beside Casbin deciding the same.

Run as `python -m tests.benchmarks.decision --out FILE`. Measured at 1,000 generated rules over the
60 functions of the shipped back office, with compact reasons, one question a time, questions mixed:

    decision.p50_us, decision.p99_us           one `Engine.decide`, in microseconds
    decision.casbin_ms                         the same by Casbin, one enforcer holding every row
    decision.casbin_per_function_ms            the same by Casbin, one enforcer a function
    decision.speedup_over_casbin               mean time of Casbin over mean time of the engine, CPU
    decision.speedup_over_casbin_per_function  time, in turns; the median of the turns
    decision.unasked_us                        the median for questions that were never asked
    decision.unasked_speedup                   as the first, for questions that were never asked
    decision.explain_us                        the full expansion of one decision (median)
    decision.portal_60_ms                      every tile of one person
    decision.first_us                          a first question of a new engine
    decision.compile_ms                        compiling the policy set

`tests.benchmarks.decision_scale` says what it measures at other sizes. All figures but `first_us`
are of an engine in use: it was asked 100,000 other questions of the same staff. The questions of
p50, p99 and the speed-ups were asked once before, as whoever is at work asks for the same functions
again and again; then the engine has kept most of its decisions. `unasked` is what a question costs
of which nothing is kept but what attributes mean: both are told.

Casbin is our oracle as it is shipped: its matcher is parsed once, which makes it about twice as
quick as plain pycasbin. Both answer the very same questions, and must give the same answers.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median
from typing import TYPE_CHECKING

from policies.casbin_oracle import CasbinOracle
from policies.engine import Engine
from policies.function import GATEWAY_SYSTEM
from tests.benchmarks import decision_scale
from tests.benchmarks.results import DEFAULT_FILE, FEWEST_REPETITIONS, Figure, merge, table
from tests.policies.generated import (
    RARE,
    generated_question,
    generated_rules,
    generated_subject,
    generous,
)
from tests.policies.people import PASSWORD, cheshire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from policies.function import Function
    from policies.policy_set import PolicySet
    from policies.question import Question, Subject

RULES = 1000
FUNCTIONS = 60
QUESTIONS = 20_000
WARMING_ROUNDS = 5
TURNS = 20  # of a tenth of a second: what else the machine does falls on both alike
QUESTIONS_A_TURN = 1000
CASBIN_A_TURN = 10  # of milliseconds each with one enforcer
CASBIN_PER_FUNCTION_A_TURN = 60
REPETITIONS = 5
AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

TARGETS = {
    "decision.p50_us": "<= 5 (20 at the least)",
    "decision.p99_us": "<= 25",
    "decision.speedup_over_casbin": ">= 500",
    "decision.speedup_over_casbin_per_function": ">= 30",
    "decision.explain_us": "<= 200",
    "decision.portal_60_ms": "<= 0.5",
    "decision.curve_growth": "about 1",
    "decision.activation_5000_s": "<= 2",
    "decision.oracle_check_s": "<= 20",
    "decision.population_s": "<= 15",
    "decision.population_shared_s": "<= 2",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is measured."""

    policy_set: PolicySet
    engine: Engine
    one: CasbinOracle
    per_function: CasbinOracle
    staff: list[Subject]
    questions: list[Question]
    back_office: list[Function]

    def more_questions(self, random: Random) -> list[Question]:
        """Other questions of the same staff."""
        return _questions(self.policy_set, self.staff, self.back_office, random)


def _questions(
    policy_set: PolicySet, staff: list[Subject], back_office: list[Function], random: Random
) -> list[Question]:
    return [
        replace(
            generated_question(policy_set, random.choice(staff), random),
            function=random.choice(back_office),
            at=AT,
        )
        for _ in range(QUESTIONS)
    ]


def setting(*, casbin: bool = True) -> Setting:
    """Generate the rules and questions, and load them three times, without `casbin` once."""
    random = Random(2026)
    policy_set = generous(cheshire())
    back_office = [
        function
        for function in policy_set.catalogue.functions.values()
        if function.system != GATEWAY_SYSTEM
    ]
    if len(back_office) != FUNCTIONS:
        raise SystemExit(f"benchmark: {len(back_office)} functions, not {FUNCTIONS}")
    policy_set = replace(policy_set, rules=generated_rules(policy_set, RULES, random, RARE))
    kinds = {each.id: each.kind for each in policy_set.organisations}
    # Whoever can sign in is of an organisation that the policy set has, with its kind.
    staff = [
        who
        for who in (generated_subject(policy_set, random) for _ in range(500))
        if kinds.get(who.organisation) == who.organisation_kind
    ]
    loaded = policy_set if casbin else replace(policy_set, rules=())
    return Setting(
        policy_set=policy_set,
        engine=Engine.compile(policy_set),
        one=CasbinOracle.from_policy_set(loaded, enforcer_per_function=False),
        per_function=CasbinOracle.from_policy_set(loaded, enforcer_per_function=True),
        staff=staff,
        questions=_questions(policy_set, staff, back_office, random),
        back_office=back_office,
    )


def timed(ask: Callable[[Question], object], questions: list[Question]) -> list[float]:
    """The time of each call in seconds, the clock's own cost taken off."""
    clock = time.perf_counter_ns
    empty = []
    for _ in range(2000):
        begun = clock()
        empty.append(clock() - begun)
    own = median(empty)
    times = []
    for question in questions:
        begun = clock()
        ask(question)
        times.append((clock() - begun - own) / 1e9)
    return times


def cpu_mean(ask: Callable[[Question], object], questions: list[Question]) -> float:
    """The mean CPU time of a call in seconds."""
    begun = time.process_time_ns()
    for question in questions:
        ask(question)
    return (time.process_time_ns() - begun) / len(questions) / 1e9


def beside_casbin(given: Setting, questions: list[Question]) -> dict[str, float]:
    """Ask the engine what was never asked, the same again, and Casbin in both ways, in turns."""
    decide, turns = given.engine.decide, []
    for begin in range(0, TURNS * QUESTIONS_A_TURN, QUESTIONS_A_TURN):
        asked = questions[begin : begin + QUESTIONS_A_TURN]
        unasked, again = cpu_mean(decide, asked), cpu_mean(decide, asked)
        one = cpu_mean(given.one.decide, asked[:CASBIN_A_TURN])
        by_function = cpu_mean(given.per_function.decide, asked[:CASBIN_PER_FUNCTION_A_TURN])
        turns.append((one, by_function, one / again, by_function / again, one / unasked))
    one, by_function, faster, faster_by_function, unasked_faster = (
        median(each) for each in zip(*turns, strict=True)
    )
    return {
        "decision.casbin_ms": one * 1e3,
        "decision.casbin_per_function_ms": by_function * 1e3,
        "decision.speedup_over_casbin": faster,
        "decision.speedup_over_casbin_per_function": faster_by_function,
        "decision.unasked_speedup": unasked_faster,
    }


def repetition(given: Setting, number: int) -> dict[str, float]:
    """Measure everything once, with questions of this repetition's own."""
    random = Random(f"repetition {number}")
    decide, explain = given.engine.decide, given.engine.explain
    first = timed(Engine.compile(given.policy_set).decide, given.questions[:2000])
    unasked, more = given.more_questions(random), given.more_questions(random)
    gc.collect()
    new = timed(decide, unasked)
    ours = sorted(timed(decide, unasked))
    beside = beside_casbin(given, more)
    decided = {id(question): decide(question) for question in given.questions[:1000]}
    explained = timed(
        lambda question: explain(question, decided[id(question)]), given.questions[:1000]
    )
    portal = timed(
        lambda question: given.engine.tiles(question.subject, at=AT, factors=PASSWORD),
        given.questions[:100],
    )
    begun = time.perf_counter()
    Engine.compile(given.policy_set)
    compiled = time.perf_counter() - begun
    return {
        "decision.p50_us": ours[len(ours) // 2] * 1e6,
        "decision.p99_us": ours[len(ours) * 99 // 100] * 1e6,
        **beside,
        "decision.unasked_us": median(new) * 1e6,
        "decision.explain_us": median(explained) * 1e6,
        "decision.portal_60_ms": median(portal) * 1e3,
        "decision.first_us": median(first) * 1e6,
        "decision.compile_ms": compiled * 1e3,
    }


def main() -> None:
    """Measure, print a table and merge the figures into the file."""
    parser = argparse.ArgumentParser(description="Measure what a decision costs, beside Casbin.")
    parser.add_argument("--out", type=Path, default=DEFAULT_FILE, help="file of all figures")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS, help="at least 3")
    parser.add_argument("--small", action="store_true", help="leave out the other sizes: minutes")
    chosen = parser.parse_args()
    _say(f"decision: loading {RULES} rules over {FUNCTIONS} functions, three times")
    given = setting()
    found = given.per_function.compare(given.engine.decide, given.questions[:1000])
    if found:
        raise SystemExit(f"benchmark: engine and Casbin differ on {len(found)} of 1000 questions")
    _say(f"decision: asking {WARMING_ROUNDS * QUESTIONS} questions of {len(given.staff)} staff")
    for number in range(WARMING_ROUNDS):
        for question in given.more_questions(Random(f"warming {number}")):
            given.engine.decide(question)
    measured = []
    for number in range(chosen.repetitions):
        _say(f"decision: repetition {number + 1} of {chosen.repetitions}")
        measured.append(repetition(given, number))
    if not chosen.small:
        for number, more in enumerate(_other_sizes(given)):
            measured[number].update(more)
    counts = {
        key: [each[key] for each in measured if key in each] for each in measured for key in each
    }
    figures = [Figure(key=key, values=tuple(values)) for key, values in counts.items()]
    merge(figures, chosen.out)
    _say(table(figures, TARGETS))


def _other_sizes(given: Setting) -> Iterator[dict[str, float]]:
    """Measure what `decision_scale` measures, as often as a figure needs."""
    many = replace(
        given.policy_set,
        rules=generated_rules(given.policy_set, decision_scale.ACTIVATED_RULES, Random(5000), RARE),
    )
    engines = decision_scale.curve_sets(given.policy_set)
    everybody = decision_scale.population_staff(given.staff)
    for number in range(FEWEST_REPETITIONS):
        _say(f"decision: other sizes, repetition {number + 1} of {FEWEST_REPETITIONS}")
        yield {
            **decision_scale.curve(engines, timed),
            **decision_scale.activation(many),
            **decision_scale.oracle_check(given.policy_set, given.staff, number, _say),
            **decision_scale.population(given.engine, everybody, AT, _say),
            "decision.memory_mib": decision_scale.memory(),
        }


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
