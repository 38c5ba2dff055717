"""The engine: a policy set compiled into an index, and the gates in their order.

A decision passes five gates. The first that fails ends it.

1. Function: the policy set knows the function.
2. Agreement: an agreement in force offers the function to the caller's organisation. The gateway's
   own pages need none, and skip this gate only.
3. Clearance: the subject's usable grants, those that the agreement accepts among them, meet the
   floor for the owner of the record.
4. Rule: at least one rule permits, none denies, and none of the candidates raised an error.
5. Obligation: everything the function asks for besides (such as a second factor) is fulfilled.

Every gate's inputs are gathered before the first is asked, so that a decision always carries the
complete results. `conclude` then needs those results alone; the same step reads a recorded
decision back. Whatever goes wrong while gathering denies.

An engine is a value: activating another policy set makes another engine, swapped in whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from policies.candidates import SUBJECT_BIT
from policies.compiled_function import NAMES_NOBODY, NAMES_OUTSIDER, OWNER_UNKNOWN, CompiledFunction
from policies.decision import Decision, Effect, Gate, Results
from policies.errors import PolicyError
from policies.explanation import Explanation, explain
from policies.function import Action
from policies.obligations import NO_OBLIGATIONS
from policies.prepared_rule import PreparedRule
from policies.reasons import Reason
from policies.telling import StaffReason, tell, ways_in
from policies.tiles import Tile, tiles_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from policies.answers import Meaning
    from policies.candidates import Candidates
    from policies.obligations import Obligation, Obligations
    from policies.policy_set import PolicySet
    from policies.question import Question, Subject
    from vetting.clearance import Clearance
    from vetting.levels import LevelId


@dataclass(frozen=True, slots=True)
class Engine:
    """A compiled policy set. `compile` makes one.

    Attributes:
        policy_set: What it was compiled from.
        digest: The digest of the policy set.
        functions: Its functions, compiled.
        host: The organisation whose back office it is.
        zones: The network zones that its rules name; where there are none, no zone is looked up.
    """

    policy_set: PolicySet
    digest: str
    functions: Mapping[str, CompiledFunction]
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

    def decide(self, question: Question) -> Decision:
        """Answer a question. Microseconds; never raises for what a question holds."""
        compiled = self.functions.get(question.function.id)
        if compiled is None:
            return self._unknown_function(question)
        subject = question.subject
        organisation, kind = subject.organisation, subject.organisation_kind
        prepared = compiled.candidates.get((question.action, organisation))
        if prepared is not None and prepared[0] == kind:
            candidates = prepared[1]
        else:
            candidates = compiled.candidates_for(question.action, organisation, kind)
        moment = candidates.moment(question.at)
        agreement_id = moment.agreement_id
        try:
            clearance = subject.clearance
            if clearance.order is not self.policy_set.levels:
                self._check_order(clearance)
            reach = clearance.reach(
                at=question.at,
                function=question.function.id,
                accepting=compiled.accepting.get(agreement_id) if compiled.accepting else None,
            )
            met, unknown, failed, applying = candidates.answer(question, moment, reach)
            meaning = candidates.meanings[applying]
            owner = compiled.owner(question) if compiled.floor_by_owner else ""
            named = NAMES_NOBODY if question.record_person is None else compiled.named(question)
            fulfilled = 0
            if meaning.owed.bits:
                fulfilled = compiled.fulfilled(meaning.owed, question, fresh=meaning.steps_up)
            results = _new(
                Results,
                (
                    question.action,
                    organisation,
                    kind,
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
            results, meaning = _unreadable(question), candidates.meanings[0]
            _, _, _, owner, named, reach, fulfilled, _, _, failed = results
        return self._conclude(
            compiled, agreement_id, meaning, results, owner, named, reach, fulfilled, failed
        )

    def _check_order(self, clearance: Clearance) -> None:
        # Bits of another order of levels would be read as levels nobody granted.
        if not clearance.order.means_the_same_as(self.policy_set.levels):
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

    def _conclude_again(
        self,
        compiled: CompiledFunction,
        candidates: Candidates,
        agreement_id: str | None,
        results: Results,
        applying: int,
    ) -> Decision:
        meaning = candidates.meanings[applying]
        _, _, _, owner, named, reach, fulfilled, _, _, failed = results
        return self._conclude(
            compiled, agreement_id, meaning, results, owner, named, reach, fulfilled, failed
        )

    def _conclude(
        self,
        compiled: CompiledFunction,
        agreement_id: str | None,
        meaning: Meaning,
        results: Results,
        owner: str,
        named: int,
        reach: int,
        fulfilled: int,
        failed: int,
    ) -> Decision:
        """Go through the gates with the results, and what the rules that apply by them mean.

        The results that are looked at are handed over one by one: whoever asks has them at hand,
        and a named tuple is read slowly.
        """
        effect = _DENY
        rules: tuple[str, ...] = ()
        obligations = NO_OBLIGATIONS
        if agreement_id is None and not compiled.of_gateway:
            gate, reason = _AGREEMENT, _NO_AGREEMENT
        else:
            gate = _CLEARANCE
            if compiled.floor_by_owner:
                reason = compiled.clearance_reason(reach, owner, named)
            else:
                reason = compiled.one_floor[reach << 2 | named]
            if reason is _CLEARANCE_REACHED:
                gate = _RULE
                if failed:
                    reason = _RULE_IN_ERROR
                else:
                    reason, rules = meaning.reason, meaning.rules
                    if reason is _RULE_PERMITS:
                        gate, obligations = _PERMITTED, meaning.owed
                        if lacking := obligations.bits & ~fulfilled:
                            gate, obligations = _OBLIGATION, obligations.only(lacking)
                            reason = _reason_of(obligations)
                        else:
                            effect = _PERMIT
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
        candidates = compiled.candidates_for(results.action, results.organisation, results.kind)
        applying = candidates.applying(results)
        return self._conclude_again(compiled, candidates, agreement_id, results, applying)

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
            agreement_id = decision.agreement_id
            again = self._conclude_again(compiled, candidates, agreement_id, results, applying)
            if again != decision:
                raise PolicyError("explain: the results do not lead to the decision")
        return explain(compiled, candidates, self.policy_set.levels, question, decision, applying)

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
            self.policy_set.levels,
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


# Bound once: an enumeration looks its members up slowly, and a named
# tuple is made slowly by its own name.
_new = tuple.__new__
_PERMIT, _DENY = Effect.PERMIT, Effect.DENY
_AGREEMENT, _CLEARANCE, _RULE = Gate.AGREEMENT, Gate.CLEARANCE, Gate.RULE
_OBLIGATION, _PERMITTED = Gate.OBLIGATION, Gate.PERMITTED
_NO_AGREEMENT, _CLEARANCE_REACHED = Reason.NO_AGREEMENT, Reason.CLEARANCE_REACHED
_RULE_IN_ERROR, _RULE_PERMITS = Reason.RULE_IN_ERROR, Reason.RULE_PERMITS


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


def _reason_of(lacking: Obligations) -> Reason:
    """Name what stands in the way: first what the person can do nothing about."""
    if lacking.read_only:
        return Reason.READ_ONLY
    if lacking.mask or lacking.watermark or (lacking.purpose and not lacking.purpose.codes):
        return Reason.OBLIGATION_NOT_FULFILLED
    if lacking.rates:
        return Reason.RATE_EXCEEDED
    return Reason.SECOND_FACTOR_NEEDED if lacking.step_up else Reason.PURPOSE_NEEDED
