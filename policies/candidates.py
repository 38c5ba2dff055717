"""The rules that can apply to one function, action and organisation, compiled to bits.

Every different criterion of the rules has a bit. Answering them sets bits in three numbers (met,
unknown, failed); a rule is then one comparison. Criteria on words (posts, unit, appointments,
factors) are answered together by looking up the words that are held, so that their number does not
matter. Criteria on the organisation are answered when compiling: a rule that does not concern the
organisation is no candidate. Only what is left is asked one by one.

Nothing here is text that is executed: the compiled form is tables and bound methods.

Bit 0 stands for the subject as a whole: it is set in `failed` when attributes or clearance could
not be read at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, assert_never

from policies.criteria import Asks, Attribute, Between, OfOrganisation, OneOf, Reaches, Result
from policies.decision import Effect
from policies.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from policies.criteria import Criterion, Form
    from policies.decision import Results
    from policies.question import Question
    from policies.rules import Rule

SUBJECT_BIT = 1

InForce = Callable[[str, "datetime"], Collection[str]]

_Words = tuple[Callable[["Question"], Collection[str]], dict[str, int], int]
"""How to find the words held (one text is one word), the bits by word, and the bits unknown when no
word is held."""


@dataclass(frozen=True, slots=True)
class PreparedRule:
    """A rule with what compiling needs again and again.

    Attributes:
        rule: The rule.
        keys: For each criterion a text that equal criteria share.
        forms: For each criterion its form.
    """

    rule: Rule
    keys: tuple[str, ...]
    forms: tuple[Form, ...]

    @classmethod
    def of(cls, rule: Rule) -> PreparedRule:
        """Prepare a rule."""
        return cls(
            rule=rule,
            keys=tuple(key_of(criterion) for criterion in rule.criteria),
            forms=tuple(criterion.form() for criterion in rule.criteria),
        )

    def concerns(self, organisation: str, kind: str) -> bool:
        """Tell whether the rule concerns staff of an organisation at all.

        Unknown keeps a deny rule and drops a permit rule: closed on both sides.
        """
        for form in self.forms:
            if isinstance(form, OfOrganisation):
                result = form.ask(organisation, kind)
                if result is Result.NOT_MET:
                    return False
                if result is Result.UNKNOWN and self.rule.effect is Effect.PERMIT:
                    return False
        return True


def key_of(criterion: Criterion) -> str:
    """Give the text that equal criteria share."""
    return criterion.name + json.dumps(criterion.to_value(), separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Candidates:
    """The candidate rules of one function, action and organisation.

    Attributes:
        rules: The rules that concern the organisation, in the order of the file.
        bits: Bit of each criterion, by its key.
        permits: For each permit rule the bits that must be met, and its id.
        denies: For each deny rule the bits that must be met or unknown, and its id.
        words: How to answer the criteria on words, for each attribute that has any.
        periods: First instants, instants after the last, and their bits.
        reaches: Requirements and their bits.
        asks: What must be asked one by one, and its bit.
    """

    rules: tuple[PreparedRule, ...]
    bits: Mapping[str, int]
    permits: tuple[tuple[int, str], ...]
    denies: tuple[tuple[int, str], ...]
    words: tuple[_Words, ...]
    periods: tuple[tuple[datetime, datetime, int], ...]
    reaches: tuple[tuple[Callable[[int], bool], int], ...]
    asks: tuple[tuple[Callable[[Question], Result], int], ...]

    @classmethod
    def compile(cls, rules: Iterable[PreparedRule], in_force: InForce) -> Candidates:
        """Compile rules that are already known to concern the organisation.

        Args:
            rules: The rules.
            in_force: Gives the ids of the agreements that cover the function for an organisation
                at an instant.
        """
        chosen = tuple(rules)
        bits: dict[str, int] = {}
        forms: dict[int, Form] = {}
        permits: list[tuple[int, str]] = []
        denies: list[tuple[int, str]] = []
        for prepared in chosen:
            needed = 0
            for key, form in zip(prepared.keys, prepared.forms, strict=True):
                if isinstance(form, OfOrganisation):
                    continue
                bit = bits.get(key)
                if bit is None:
                    bit = bits[key] = SUBJECT_BIT << (len(bits) + 1)
                    forms[bit] = form
                needed |= bit
            side = permits if prepared.rule.effect is Effect.PERMIT else denies
            side.append((needed, prepared.rule.id))
        return cls(
            rules=chosen,
            bits=bits,
            permits=tuple(permits),
            denies=tuple(denies),
            words=tuple(
                filter(None, (_words(forms, attribute, in_force) for attribute in Attribute))
            ),
            periods=tuple(
                (form.starts_at, form.ends_at, bit)
                for bit, form in forms.items()
                if isinstance(form, Between)
            ),
            reaches=tuple(
                (form.requirement.met_by, bit)
                for bit, form in forms.items()
                if isinstance(form, Reaches)
            ),
            asks=tuple((form.ask, bit) for bit, form in forms.items() if isinstance(form, Asks)),
        )

    def answer(self, question: Question, reach: int) -> tuple[int, int, int]:
        """Answer every criterion.

        Args:
            question: What is asked.
            reach: The levels that the subject's usable grants satisfy.

        Returns:
            The bits met, unknown and failed.
        """
        met, unknown = self._answer_looked_up(question)
        failed = 0
        for met_by, bit in self.reaches:
            if met_by(reach):
                met |= bit
        for ask, bit in self.asks:
            try:
                result = ask(question)
            except Exception:  # noqa: BLE001 - whatever goes wrong in a rule denies
                failed |= bit
                continue
            if result is Result.MET:
                met |= bit
            elif result is not Result.NOT_MET:
                unknown |= bit
        return met, unknown, failed

    def _answer_looked_up(self, question: Question) -> tuple[int, int]:
        met = unknown = 0
        for held_by, bits_of, without in self.words:
            held = held_by(question)
            if not held:
                unknown |= without
            elif held.__class__ is str:
                met |= bits_of.get(held, 0)
            else:
                for word in held:
                    met |= bits_of.get(word, 0)
        if self.periods:
            at = question.at
            for starts_at, ends_at, bit in self.periods:
                if starts_at <= at < ends_at:
                    met |= bit
        return met, unknown

    def conclude(self, results: Results) -> tuple[Reason, tuple[str, ...]]:
        """Ask the rule gate: at least one rule permits, none denies, and none is in error.

        Returns:
            The reason and the rules that it rests on.
        """
        if results.failed:
            return Reason.RULE_IN_ERROR, ()
        met = results.met
        if self.denies:
            held = met | results.unknown
            denying = [rule_id for needed, rule_id in self.denies if held & needed == needed]
            if denying:
                return Reason.RULE_DENIES, tuple(denying)
        permitting = [rule_id for needed, rule_id in self.permits if met & needed == needed]
        if permitting:
            return Reason.RULE_PERMITS, tuple(permitting)
        return Reason.NO_RULE_PERMITS, ()


def _words(forms: Mapping[int, Form], attribute: Attribute, in_force: InForce) -> _Words | None:
    bits_of: dict[str, int] = {}
    without = 0
    for bit, form in forms.items():
        if isinstance(form, OneOf) and form.attribute is attribute:
            without |= 0 if form.empty_is_known else bit
            for word in form.words:
                bits_of[word] = bits_of.get(word, 0) | bit
    return (_held_by(attribute, in_force), bits_of, without) if bits_of else None


def _held_by(attribute: Attribute, in_force: InForce) -> Callable[[Question], Collection[str]]:
    # `attrgetter` is twice as quick as a function of ours, and asked for every request.
    match attribute:
        case Attribute.POSTS:
            return attrgetter("subject.posts")
        case Attribute.UNIT:
            return attrgetter("subject.unit")
        case Attribute.APPOINTMENTS:
            return attrgetter("subject.appointments")
        case Attribute.FACTORS:
            return attrgetter("factors")
        case Attribute.AGREEMENTS:
            return lambda question: in_force(question.subject.organisation, question.at)
        case _:
            assert_never(attribute)
