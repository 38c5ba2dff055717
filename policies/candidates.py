"""The rules that can apply to one function, action and organisation, compiled to bits.

Every different criterion of the rules has a bit. Answering them sets bits in three numbers (met,
unknown, failed); a rule is then one comparison. What is held is turned into bits by look-up, so
that the number of criteria does not matter: posts, unit, appointments, factors and the levels
reached each by what they are, the time by the span in which nothing changes by itself. Criteria on
the organisation are answered when compiling: a rule that does not concern the organisation is no
candidate. Only what is left is asked one by one.

What is remembered is what attributes mean (these posts meet these criteria), within a bound, and
for time until the instant of the next change. What the engine decided is kept with that span of
time, and ends with it. Another policy set has candidates of its own.

Bit 0 stands for the subject as a whole: it is set in `failed` when attributes or clearance could
not be read at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from policies.answers import (
    REMEMBERED,
    AgeAnswers,
    Layout,
    Meanings,
    ReachAnswers,
    WordAnswers,
)
from policies.criteria import (
    Asks,
    Attribute,
    Between,
    OfOrganisation,
    OfRecord,
    OneOf,
    Reaches,
    Recurs,
    Result,
    ShownWithin,
)
from policies.decision import Effect
from policies.obligations import NO_OBLIGATIONS
from policies.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from policies.answers import Meaning
    from policies.criteria import Form
    from policies.decision import Decision, Results
    from policies.obligations import Obligations
    from policies.prepared_rule import PreparedRule
    from policies.question import Question, Subject, Traits

SUBJECT_BIT = 1

MOST_DECIDED = 256
"""Decisions that are kept for one set of candidates: at 60 functions and three organisations forty
megabytes at the very most, and a tenth of it in use."""

_Ask = tuple["Callable[[Question], Result]", int]

Interval = tuple["datetime", "datetime | None", str]
"""From when until when which agreement covers; without an end for good."""

_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Moment:
    """A span of time in which nothing changes by itself.

    Attributes:
        since: Its first instant.
        until: The first instant after it.
        answers: The answers of the criteria on time and agreements in it, as `Layout` packs them.
        agreement_id: The agreement that covers the function in it.
        others: Further agreements that cover the function in it, in the order of the file.
        decided: What was decided in it, by traits, factors, reach and standing; `None` where a
            decision may rest on more than these.
    """

    since: datetime
    until: datetime
    answers: int
    agreement_id: str | None
    others: tuple[str, ...]
    decided: dict[tuple[Traits, frozenset[str], int, int], Decision] | None


NO_MOMENT = Moment(_LAST, _FIRST, 0, None, (), None)
"""Holds no instant, so that the first question works out its own."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The candidate rules of one function, action and organisation.

    Attributes:
        rules: The rules that concern the organisation, in the order of the file.
        bits: Bit of each criterion, by its key.
        permits: For each permit rule the bits that must be met, and its own bit.
        denies: For each deny rule the bits that must be met or unknown, and its own bit.
        cover: The agreements that cover the function for the organisation.
        traits: The answers by posts, unit and appointments together; `None` where none asks.
        factors: The answers by the factors shown; `None` where none asks.
        reaches: The answers by the levels reached; `None` where none asks.
        of_record: What asks how the record stands to the subject, and its bit.
        asks: What must be asked one by one, and its bit.
        zones, trainings, ages: As `factors`, for what few rules ask.
        latest: The span of time last asked for; see `moment`.
        rarely: Whether any of the last four asks; one look in place of four, as most never do.
        meanings: What it means that some of the rules are put out, by the bits of these.
    """

    rules: tuple[PreparedRule, ...]
    bits: Mapping[str, int]
    permits: tuple[tuple[int, int], ...]
    denies: tuple[tuple[int, int], ...]
    cover: tuple[Interval, ...]
    traits: dict[Traits, int] | None
    factors: WordAnswers | None
    reaches: ReachAnswers | None
    of_record: tuple[_Ask, ...]
    asks: tuple[_Ask, ...]
    zones: WordAnswers | None
    trainings: WordAnswers | None
    ages: AgeAnswers | None
    rarely: bool
    meanings: Meanings
    _layout: Layout
    _cuts: tuple[int, int, int, int]
    _of_traits: tuple[WordAnswers | None, WordAnswers | None, WordAnswers | None]
    _timed: Mapping[int, Form]
    # Alone in a list: one assignment replaces it whole, for all threads.
    latest: list[Moment]
    # INVARIANT: one entry for each standing at most, of which there are about a hundred.
    _by_standing: dict[int, int]

    @classmethod
    def compile(
        cls,
        rules: Iterable[PreparedRule],
        cover: tuple[Interval, ...],
        obligations: Obligations = NO_OBLIGATIONS,
    ) -> Candidates:
        """Compile rules that are already known to concern the organisation.

        Args:
            rules: The rules.
            cover: The agreements that cover the function for the organisation.
            obligations: What the function asks for, whatever rule permits.
        """
        chosen = tuple(rules)
        bits: dict[str, int] = {}
        forms: dict[int, Form] = {}
        needed: list[tuple[int, ...]] = []
        for prepared in chosen:
            mine: list[int] = []
            for key, form in zip(prepared.keys, prepared.forms, strict=True):
                if isinstance(form, OfOrganisation):
                    continue
                bit = bits.get(key)
                if bit is None:
                    bit = bits[key] = SUBJECT_BIT << (len(bits) + 1)
                    forms[bit] = form
                mine.append(bit)
            needed.append(tuple(mine))
        layout = Layout(len(chosen), len(bits) + 1)
        sides: dict[Effect, list[tuple[int, int]]] = {effect: [] for effect in Effect}
        for place, (prepared, mine_too) in enumerate(zip(chosen, needed, strict=True)):
            layout.name(1 << place, prepared.rule.effect, mine_too)
            sides[prepared.rule.effect].append((sum(mine_too), 1 << place))
        owes = {
            1 << place: each.rule.obligations
            for place, each in enumerate(chosen)
            if each.rule.obligations.bits
        }
        reaches = {bit: form for bit, form in forms.items() if isinstance(form, Reaches)}
        ages = {bit: form for bit, form in forms.items() if isinstance(form, ShownWithin)}
        of_traits = (
            _words(layout, forms, Attribute.POSTS),
            _words(layout, forms, Attribute.UNIT),
            _words(layout, forms, Attribute.APPOINTMENTS),
        )
        zones = _words(layout, forms, Attribute.ZONE)
        trainings = _words(layout, forms, Attribute.TRAININGS)
        asks = tuple((form.ask, bit) for bit, form in forms.items() if isinstance(form, Asks))
        return cls(
            rules=chosen,
            bits=bits,
            permits=tuple(sides[Effect.PERMIT]),
            denies=tuple(sides[Effect.DENY]),
            cover=cover,
            traits={} if any(each is not None for each in of_traits) else None,
            factors=_words(layout, forms, Attribute.FACTORS),
            reaches=ReachAnswers(layout, reaches) if reaches else None,
            of_record=tuple((f.ask, bit) for bit, f in forms.items() if isinstance(f, OfRecord)),
            asks=asks,
            zones=zones,
            trainings=trainings,
            ages=AgeAnswers(layout, ages) if ages else None,
            rarely=bool(asks or zones is not None or trainings is not None or ages),
            meanings=Meanings(
                tuple(prepared.rule.id for prepared in chosen),
                sum(rule for _, rule in sides[Effect.DENY]),
                owes,
                obligations,
            ),
            _layout=layout,
            _cuts=layout.cuts(),
            _of_traits=of_traits,
            _timed={bit: form for bit, form in forms.items() if _is_timed(form)},
            latest=[NO_MOMENT],
            _by_standing={},
        )

    def moment(self, at: datetime) -> Moment:
        """The span of time around an instant in which nothing changes by itself."""
        found = self.latest[0]
        if not found.since <= at < found.until:
            found = self.latest[0] = self._worked_out(at)
        return found

    def answer(
        self, question: Question, moment: Moment, reach: int, standing: int
    ) -> tuple[int, int, int, int]:
        """Answer every criterion.

        Written out attribute by attribute: a loop over them would cost a third more.

        Args:
            question: What is asked.
            moment: The span of time that it is asked in.
            reach: The levels that the subject's grants reach.
            standing: How the record stands to the subject, see `record_standing`.

        Returns:
            The bits met, unknown and failed, and those of the rules that are put out.
        """
        subject = question.subject
        answers = moment.answers
        if self.traits is not None:
            known = self.traits.get(subject.traits)
            answers |= self._by_traits(subject) if known is None else known
        if self.factors is not None:
            answers |= self.factors[question.factors]
        if self.reaches is not None:
            answers |= self.reaches[reach]
        failed = 0
        if self.of_record:
            known = self._by_standing.get(standing)
            if known is None:
                known, failed = self._stands(question, standing)
            answers |= known
        if self.rarely:
            asked, failing = self._rare(question)
            answers |= asked
            failed |= failing
        rules, begins, criteria, ends = self._cuts
        return answers >> begins & criteria, answers >> ends, failed, answers & rules

    def _by_traits(self, subject: Subject) -> int:
        """Join what posts, unit and appointments answer, and keep it for all who are alike."""
        traits, (posts, units, appointments) = self.traits, self._of_traits
        answers = 0
        if posts is not None:
            answers |= posts[subject.posts]
        if units is not None:
            answers |= units[subject.unit]
        if appointments is not None:
            answers |= appointments[subject.appointments]
        if traits is not None:
            if len(traits) >= REMEMBERED:
                traits.clear()
            traits[subject.traits] = answers
        return answers

    def _stands(self, question: Question, standing: int) -> tuple[int, int]:
        known, failed = self._ask(self.of_record, question)
        if not failed:  # what failed may succeed the next time
            self._by_standing[standing] = known
        return known, failed

    def applying(self, results: Results) -> int:
        """The rules that apply, from recorded results: all but those that `answer` puts out."""
        met = results.met
        held = met | results.unknown
        return sum(rule for needed, rule in self.permits if met & needed == needed) | sum(
            rule for needed, rule in self.denies if held & needed == needed
        )

    def meaning(self, applying: int) -> Meaning:
        """What it means that these rules apply."""
        return self.meanings[self._cuts[0] ^ applying]

    def conclude(self, failed: int, applying: int) -> tuple[Reason, tuple[str, ...]]:
        """Ask the rule gate: at least one rule permits, none denies, and none is in error.

        Args:
            failed: The bits of the criteria that raised an error.
            applying: The rules that apply.

        Returns:
            The reason and the rules that it rests on.
        """
        if failed:
            return Reason.RULE_IN_ERROR, ()
        meaning = self.meaning(applying)
        return meaning.reason, meaning.rules

    def owed(self, applying: int) -> Obligations:
        """Everything that has to be seen to when these rules apply."""
        return self.meaning(applying).owed

    def _rare(self, question: Question) -> tuple[int, int]:
        """Answer what few rules ask; give the packed answers and the bits failed."""
        answers, failed = self._ask(self.asks, question)
        if self.zones is not None:
            answers |= self.zones[question.zone or ""]
        if self.trainings is not None:
            answers |= self.trainings[question.subject.trainings]
        if self.ages is not None:
            answers |= self.ages[question.second_factor_age_us]
        return answers, failed

    def _ask(self, asks: tuple[_Ask, ...], question: Question) -> tuple[int, int]:
        """Ask one by one; give the packed answers and the bits failed."""
        met = unknown = failed = 0
        for ask, bit in asks:
            try:
                result = ask(question)
            except Exception:  # noqa: BLE001 - whatever goes wrong in a rule denies
                failed |= bit
                continue
            if result is _MET:
                met |= bit
            elif result is not _NOT_MET:
                unknown |= bit
        return self._layout.pack((bit for _, bit in asks), met, unknown), failed

    def _worked_out(self, at: datetime) -> Moment:
        instants = {_FIRST, _LAST}
        for starts_at, ends_at, _ in self.cover:
            instants |= {starts_at, ends_at or _LAST}
        for form in self._timed.values():
            if isinstance(form, Between):
                instants |= {form.starts_at, form.ends_at}
        running = [each for starts_at, ends_at, each in self.cover if _runs(starts_at, ends_at, at)]
        met = unknown = 0
        for bit, form in self._timed.items():
            if isinstance(form, Between):
                met |= bit if form.starts_at <= at < form.ends_at else 0
            elif isinstance(form, Recurs):
                spell = form.around(at)
                instants |= {spell.since, spell.until}
                met |= bit if spell.result is _MET else 0
                unknown |= bit if spell.result is Result.UNKNOWN else 0
            elif isinstance(form, OneOf):
                met |= 0 if form.words.isdisjoint(running) else bit
        return Moment(
            since=max(instant for instant in instants if instant <= at),
            until=min((instant for instant in instants if instant > at), default=_LAST),
            answers=self._layout.pack(self._timed, met, unknown),
            agreement_id=running[0] if running else None,
            others=tuple(running[1:]),
            decided=None if self.rarely or running[1:] else {},
        )


# Bound once: an enumeration looks its members up slowly.
_MET, _NOT_MET = Result.MET, Result.NOT_MET


def _runs(starts_at: datetime, ends_at: datetime | None, at: datetime) -> bool:
    return starts_at <= at and (ends_at is None or at < ends_at)


def _is_timed(form: Form) -> bool:
    agreements = isinstance(form, OneOf) and form.attribute is Attribute.AGREEMENTS
    return agreements or isinstance(form, Between | Recurs)


def _words(layout: Layout, forms: Mapping[int, Form], attribute: Attribute) -> WordAnswers | None:
    mine = {
        bit: form
        for bit, form in forms.items()
        if isinstance(form, OneOf) and form.attribute is attribute
    }
    return WordAnswers(layout, mine) if mine else None
