"""The oracle: the same policy set, enforced by Casbin.

The language of a policy set is Casbin's. The engine decides in microseconds because it is compiled;
Casbin takes milliseconds, and is asked what the engine should have said: on generated questions
before a policy set is activated, and on a sample of live ones. Where the two differ, Casbin counts.

This is the only module that imports Casbin. What is respected here (pycasbin 2.8):

1. Any exception is a deny, told with its error.
2. No rows: deny, before Casbin is asked. With an empty policy it evaluates the matcher against
   empty strings and may allow.
3. An empty value in a request: deny, before Casbin is asked.
4. Rows are checked before Casbin sees them: an effect it does not know would count as none.
5. A plain `Enforcer`, loaded once and never changed. `FastEnforcer` shares a filter between calls
   and answers wrongly under threads; `load_policy` on a live enforcer clears it in place.
6. The matcher is parsed once. Parsing it at each call costs half the time and, under threads, now
   and then a `SystemError` of CPython 3.11 (gh-106905). Each call has an evaluator of its own.
7. A question that several agreements cover is asked once under each; one that allows suffices.
8. Conditions are data for one registered function; nothing in a row is evaluated as text.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import casbin
from casbin.persist.adapters.string_adapter import StringAdapter
from casbin.util import SimpleEval
from typing_extensions import override

from policies.casbin_rows import Matcher, Row, RowError, covering_of, matcher_of, rows_of
from policies.decision import Effect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from policies.criteria import Terms
    from policies.decision import Decision
    from policies.policy_set import PolicySet
    from policies.question import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleAnswer:
    """What Casbin says, and the error if it could not be asked properly."""

    effect: Effect
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A question on which the engine and Casbin differ."""

    question: Question
    decision: Decision
    answer: OracleAnswer


class CasbinOracle:
    """A policy set, loaded in Casbin. Safe for several threads; never changed once made."""

    __slots__ = ("_covering", "_enforcers", "_every", "_matchers", "policy_text")

    def __init__(self, policy_text: str, terms: Terms, *, enforcer_per_function: bool) -> None:
        """Load the text of a policy.

        Args:
            policy_text: Lines as `Row.to_text` writes them.
            terms: The words that criteria may use.
            enforcer_per_function: Whether each function gets an enforcer of its own with its rows
                only (quicker by their number), or one enforcer holds all.

        Raises:
            RowError: if a line is not a row.
            CriterionError: if a condition is not understood.
        """
        self.policy_text = policy_text
        rows = [Row.from_text(line) for line in policy_text.splitlines()]
        self._matchers: Mapping[str, Matcher] = {
            quote(when, safe=""): matcher_of(when, terms) for when in {row.when for row in rows}
        }
        self._covering = {
            row.function: covering
            for row in rows
            if (covering := covering_of(self._matchers[quote(row.when, safe="")])) is not None
        }
        by_function: dict[str, list[Row]] = {}
        for row in rows:
            by_function.setdefault(row.function, []).append(row)
        self._every = None
        self._enforcers: dict[str, _Enforcer] = {}
        if enforcer_per_function:
            self._enforcers = {name: self._load(own) for name, own in by_function.items()}
        elif rows:
            self._every = self._load(rows)

    @classmethod
    def from_policy_set(
        cls, policy_set: PolicySet, *, enforcer_per_function: bool = True
    ) -> CasbinOracle:
        """Write a policy set as text and load that text.

        Args:
            policy_set: The policy set.
            enforcer_per_function: See the constructor.
        """
        text = "".join(f"{row.to_text()}\n" for row in rows_of(policy_set))
        return cls(text, policy_set.terms, enforcer_per_function=enforcer_per_function)

    def decide(self, question: Question) -> Effect:
        """Ask Casbin. Milliseconds; never raises."""
        return self.answer(question).effect

    def answer(self, question: Question) -> OracleAnswer:
        """Ask Casbin and keep the error, if there is one, for the alarm."""
        try:
            return OracleAnswer(effect=self._enforce(question), error=None)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in Casbin denies
            return OracleAnswer(effect=Effect.DENY, error=f"{type(error).__name__}: {error}")

    def compare(
        self, decide: Callable[[Question], Decision], questions: Iterable[Question]
    ) -> tuple[Disagreement, ...]:
        """Ask both the engine and Casbin, and give every question on which they differ.

        Args:
            decide: The engine's `decide`.
            questions: What to ask.
        """
        found = []
        for question in questions:
            decision, answer = decide(question), self.answer(question)
            if decision.effect is not answer.effect:
                found.append(Disagreement(question=question, decision=decision, answer=answer))
        return tuple(found)

    def _enforce(self, question: Question) -> Effect:
        function_id = question.function.id
        enforcer = self._every or self._enforcers.get(function_id)
        request = (question.subject.staff_id, function_id, str(question.action))
        if enforcer is None or not all(request):
            return Effect.DENY
        staff_id, function, action = (quote(value, safe="") for value in request)
        covering = self._covering.get(function_id)
        for under in (covering(question) if covering else ()) or (None,):
            context = {"question": question, "under": under}
            if enforcer.enforce({"id": staff_id}, function, action, context) is True:
                return Effect.PERMIT
        return Effect.DENY

    def _load(self, rows: list[Row]) -> _Enforcer:
        model = casbin.Enforcer.new_model(text=model_text())
        lines = "\n".join(row.to_text() for row in rows)
        enforcer = _Enforcer(model, StringAdapter(lines))
        loaded = enforcer.get_policy()
        if len(loaded) != len(rows):
            raise RowError(f"load casbin: {len(loaded)} of {len(rows)} rows arrived")
        enforcer.add_function("when", self._when)
        return enforcer

    def _when(
        self, subject: dict[str, Any], context: dict[str, Any], when: str, effect: str
    ) -> bool:
        """Tell whether a row matches; registered with Casbin as the matcher's one function."""
        question = context["question"]
        if quote(question.subject.staff_id, safe="") != subject["id"]:
            raise RowError("ask casbin: the question is another person's")
        return self._matchers[when](question, effect, context["under"])


def model_text() -> str:
    """The Casbin model, as it is shipped and exported."""
    return files("policies").joinpath("model.conf").read_text(encoding="utf-8")


class _Enforcer(casbin.Enforcer):  # type: ignore[misc] # Casbin has no types
    """An enforcer that parses its matcher once."""

    _parsed: ast.expr | None = None

    @override
    def _get_expression(self, expr: str, functions: dict[str, Any] | None = None) -> SimpleEval:
        if self._parsed is None:
            self._parsed = super()._get_expression(expr, functions).ast_parsed_value
        evaluator = SimpleEval("", functions)
        evaluator.ast_parsed_value = self._parsed
        return evaluator
