"""The engine: a policy set compiled into an index, and the gates in their order.

A decision passes five gates. The first that fails ends it.

1. Function: the policy set knows the function.
2. Agreement: an agreement in force offers the function to the caller's organisation. The gateway's
   own pages need none, and skip this gate only.
3. Clearance: the subject's usable grants, those that the agreement accepts among them, meet the
   floor for the owner of the record.
4. Rule: at least one rule permits, none denies, and none of the candidates raised an error.
5. Obligation: everything the function asks for besides (such as a second factor) is fulfilled.

Where several agreements cover a question, it is decided under each of them in the order of the
file, wholly under that one. The first that permits counts; if none does, the one under which it got
furthest, and of equals the first. A decision names its agreement.

Every gate's inputs are gathered before the first is asked, so that a decision always carries the
complete results. `conclude` then needs those results alone; the same step reads a recorded
decision back. Whatever goes wrong while gathering denies.

A session asks for the same functions again and again. So within a span of time in which nothing
changes by itself a decision is kept by everything that it rests on: function, action, organisation
and kind, traits, factors, levels reached, standing of the record. One that rests on more (on
obligations, zones, trainings, the age of a second factor, the owner of a record, one of several
agreements), and one with an error in it, is not kept.

An engine is a value: activating another policy set makes another engine, swapped in whole.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from policies.candidates import MOST_DECIDED, SUBJECT_BIT
from policies.compiled_function import (
    NAMED_BY_STANDING,
    NAMES_OUTSIDER,
    OWNER_UNKNOWN,
    CompiledFunction,
)
from policies.criteria import record_standing
from policies.decision import Decision, Effect, Gate, Results
from policies.errors import PolicyError
from policies.explanation import Explanation, explain
from policies.function import Action
from policies.gates import ending_of
from policies.obligations import NO_OBLIGATIONS
from policies.prepared_rule import PreparedRule
from policies.reasons import Reason
from policies.telling import StaffReason, tell, ways_in
from policies.tiles import Tile, tiles_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from policies.answers import Meaning
    from policies.obligations import Obligation
    from policies.policy_set import PolicySet
    from policies.question import Question, Subject
    from vetting.clearance import Clearance
    from vetting.levels import LevelId, LevelOrder


@dataclass(frozen=True, slots=True)
class Engine:
    """A compiled policy set. `compile` makes one.

    Attributes:
        policy_set: What it was compiled from.
        digest: The digest of the policy set.
        functions: Its functions, compiled.
        host: The organisation whose back office it is.
        levels: The order of levels that all its bits are of.
        zones: The network zones that its rules name; where there are none, no zone is looked up.
    """

    policy_set: PolicySet
    digest: str
    functions: Mapping[str, CompiledFunction]
    levels: LevelOrder
    zones: frozenset[str]
    host: str

    @classmethod
    def compile(cls, policy_set: PolicySet) -> Engine:
        """Compile a policy set.

        A policy set without rules compiles, to an engine that permits nothing.
        """
        functions = policy_set.catalogue.functions
        by_function: dict[str, dict[str, list[PreparedRule]]] = {
            function_id: {action: [] for action in Action} for function_id in functions
        }
        for rule in policy_set.rules:
            prepared = PreparedRule.of(rule)
            for function_id in rule.functions:
                for action in rule.actions:
                    by_function[function_id][action].append(prepared)
        compiled = {
            function_id: CompiledFunction.compile(
                function,
                levels=policy_set.levels,
                organisations=policy_set.organisations,
                agreements=policy_set.agreements,
                rules={action: tuple(rules) for action, rules in by_function[function_id].items()},
            )
            for function_id, function in functions.items()
        }
        return cls(
            policy_set=policy_set,
            digest=policy_set.digest,
            functions=compiled,
            levels=policy_set.levels,
            zones=policy_set.zones,
            host=policy_set.host.id,
        )

    def withholding(self, functions: frozenset[str]) -> Engine:
        """Give an engine that denies every question about these functions.

        For one whose answer was found to differ from Casbin's: which of the two is wrong is for
        people to find out, and nobody gets in meanwhile. Nothing else changes.
        """
        withheld = {
            name: self.functions[name].withhold() for name in functions if name in self.functions
        }
        return replace(self, functions={**self.functions, **withheld})

    def decide(  # noqa: C901, PLR0912, PLR0915 - see below
        self, question: Question, under: str | None = None
    ) -> Decision:
        """Answer a question. Microseconds; never raises for what a question holds.

        One long function up to what is known: a call more would cost a twentieth more.

        Args:
            question: What is asked.
            under: One of the agreements that cover it; left out, each is tried.
        """
        compiled = self.functions.get(question.function.id)
        if compiled is None:
            return self._unknown_function(question)
        subject = question.subject
        prepared = compiled.candidates.get((question.action, subject.organisation))
        if prepared is not None and prepared[0] == subject.organisation_kind:
            candidates = prepared[1]
        else:
            candidates = compiled.candidates_for(
                question.action, subject.organisation, subject.organisation_kind
            )
        moment = candidates.latest[0]
        if not moment.since <= question.at < moment.until:
            moment = candidates.moment(question.at)
        agreement_id = moment.agreement_id if under is None else under
        decided, key = moment.decided, None
        try:
            clearance = subject.clearance
            if clearance.order is not self.levels:
                self._check_order(clearance)
            usual = clearance.usual
            if usual is not None:
                reach = usual[bisect_right(clearance.changes, question.at)]
            else:
                reach = clearance.reach_under(
                    question.at, compiled.function.id, compiled.accepting.get(agreement_id)
                )
            standing = record_standing(question)
            if decided is not None:
                key = subject.traits, question.factors, reach, standing
                known = decided.get(key)
                if known is not None:
                    return known
            named = NAMED_BY_STANDING[standing]
            met, unknown, failed, out = candidates.answer(question, moment, reach, standing)
            meaning = candidates.meanings[out]
            owner = compiled.owner(question) if compiled.floor_by_owner else ""
            fulfilled = compiled.fulfilled(meaning, question) if meaning.owes else 0
            results = _new(
                Results,
                (
                    question.action,
                    subject.organisation,
                    subject.organisation_kind,
                    owner,
                    named,
                    reach,
                    fulfilled,
                    met,
                    unknown,
                    failed,
                ),
            )
        except Exception:  # noqa: BLE001 - a subject that cannot be read reaches nothing
            key = None
            results, meaning = _unreadable(question), candidates.meaning(0)
            failed = results.failed
        decision = self._ended(compiled, agreement_id, meaning, results)
        if (
            decided is not None
            and key is not None
            and not (failed or meaning.owes or compiled.floor_by_owner)
        ):
            if len(decided) >= MOST_DECIDED:
                decided.clear()
            decided[key] = decision
        if moment.others and under is None and compiled.accepting:
            return self._furthest(question, decision, moment.others)
        return decision

    def _furthest(
        self, question: Question, decision: Decision, others: tuple[str, ...]
    ) -> Decision:
        """Decide under further agreements, until one permits."""
        for agreement_id in others:
            if decision.permitted:
                break
            tried = self.decide(question, agreement_id)
            if _ORDER[tried.gate] > _ORDER[decision.gate]:
                decision = tried
        return decision

    def _check_order(self, clearance: Clearance) -> None:
        # Bits of another order of levels would be read as levels nobody granted.
        if not clearance.order.means_the_same_as(self.levels):
            raise PolicyError("decide: the clearance is over another order of levels")

    def _unknown_function(self, question: Question) -> Decision:
        subject = question.subject
        results = Results(
            question.action, subject.organisation, subject.organisation_kind, "", 0, 0, 0, 0, 0, 0
        )
        return Decision(
            Effect.DENY,
            Gate.FUNCTION,
            Reason.FUNCTION_UNKNOWN,
            question.function.id,
            None,
            (),
            NO_OBLIGATIONS,
            results,
            self.digest,
        )

    def _conclude(
        self, compiled: CompiledFunction, agreement_id: str | None, results: Results
    ) -> Decision:
        candidates = compiled.candidates_for(results.action, results.organisation, results.kind)
        meaning = candidates.meaning(candidates.applying(results))
        return self._ended(compiled, agreement_id, meaning, results)

    def _ended(
        self,
        compiled: CompiledFunction,
        agreement_id: str | None,
        meaning: Meaning,
        results: Results,
    ) -> Decision:
        """Go through the gates with what was found, and write down how it ends."""
        _, _, _, owner, named, reach, fulfilled, _, _, failed = results
        effect, gate, reason, rules, obligations = ending_of(
            compiled, agreement_id, meaning, reach, owner, named, fulfilled, failed
        )
        return _new(
            Decision,
            (
                effect,
                gate,
                reason,
                compiled.function.id,
                agreement_id,
                rules,
                obligations,
                results,
                self.digest,
                agreement_id in compiled.disclosing,
            ),
        )

    def conclude(self, function_id: str, agreement_id: str | None, results: Results) -> Decision:
        """Decide again from recorded results.

        Args:
            function_id: The function of the entry.
            agreement_id: The agreement of the entry.
            results: The results of the entry.

        Raises:
            PolicyError: if this policy set does not have the function.
        """
        compiled = self.functions.get(function_id)
        if compiled is None:
            raise PolicyError("conclude: the policy set does not have the function")
        return self._conclude(compiled, agreement_id, results)

    def explain(self, question: Question | None, decision: Decision) -> Explanation:
        """Expand a decision into its complete reasons.

        Args:
            question: What was asked, for the values; `None` for a decision read from the log.
            decision: What was decided.

        Raises:
            PolicyError: if another policy set decided, or the results do not lead to the decision.
        """
        if decision.policy_digest != self.digest:
            raise PolicyError("explain: another policy set decided")
        results = decision.results
        compiled, candidates, applying = self.functions.get(decision.function_id), None, 0
        if compiled is not None:
            candidates = compiled.candidates_for(results.action, results.organisation, results.kind)
            applying = candidates.applying(results)
            if self._conclude(compiled, decision.agreement_id, results) != decision:
                raise PolicyError("explain: the results do not lead to the decision")
        return explain(compiled, candidates, self.levels, question, decision, applying)

    def offered(self, organisation: str, function_id: str, at: datetime) -> str | None:
        """The id of the agreement that offers a function to an organisation, if there is one."""
        compiled = self.functions.get(function_id)
        return None if compiled is None else compiled.agreement(organisation, at)

    def staff_reasons(self, question: Question, decision: Decision) -> tuple[StaffReason, ...]:
        """What the person may be told, most useful first; empty for what must look unknown."""
        compiled = self.functions.get(decision.function_id)
        if compiled is None:
            return ()
        results = decision.results
        candidates = compiled.candidates_for(results.action, results.organisation, results.kind)
        return tell(compiled, candidates, question, decision, self.would_let_in(decision))

    def would_let_in(self, decision: Decision) -> tuple[tuple[LevelId, ...], ...]:
        """The levels that would let the person in, as alternatives.

        Empty when the person is let in already, or when no vetting would help.
        """
        compiled = self.functions.get(decision.function_id)
        if compiled is None or decision.gate not in {Gate.CLEARANCE, Gate.RULE}:
            return ()
        results = decision.results
        candidates = compiled.candidates_for(results.action, results.organisation, results.kind)
        return ways_in(
            compiled,
            candidates,
            results,
            self.levels,
            lambda changed: self.conclude(decision.function_id, decision.agreement_id, changed),
        )

    def tiles(
        self,
        subject: Subject,
        *,
        at: datetime,
        factors: frozenset[str],
        shown_at_us: int | None = None,
        zone: str | None = None,
        honours: frozenset[Obligation] = frozenset(),
    ) -> tuple[Tile, ...]:
        """The functions of the back office that the portal shows, see `tiles_of`."""
        return tiles_of(
            self,
            subject,
            at=at,
            factors=factors,
            shown_at_us=shown_at_us,
            zone=zone,
            honours=honours,
        )


_ORDER: Mapping[Gate, int] = MappingProxyType({gate: place for place, gate in enumerate(Gate)})

# Bound once: a named tuple is made slowly by its own name.
_new = tuple.__new__


def _unreadable(question: Question) -> Results:
    """The results of a subject that cannot be read: nothing is reached, nothing fulfilled."""
    subject = question.subject
    return Results(
        question.action,
        subject.organisation,
        subject.organisation_kind,
        OWNER_UNKNOWN,
        NAMES_OUTSIDER,
        0,
        0,
        0,
        0,
        SUBJECT_BIT,
    )
