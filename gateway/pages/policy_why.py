"""Why an audience may or may not do something: every gate, every rule, and what would change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, request

from gateway.conditions import HONOURED
from gateway.pages.page import PageKit, PageRequest, Route
from gateway.pages.policy import FUNCTION, unknown
from gateway.pages.policy_explained import ELSEWHERE, Answer, Asked, asked_rules, gate_steps
from gateway.pages.policy_words import (
    POLICY,
    agreement_row,
    obligation_sentences,
    obligation_words,
)
from policies.audiences import Audience
from policies.decision import Gate
from policies.effective_access import actions_of, decide_with_steps, lets_in
from policies.situations import Situation, conditions_of, situations
from vetting.levels import LevelId

if TYPE_CHECKING:
    from datetime import datetime

    from policies.decision import Decision
    from policies.engine import Engine

_LONGEST_WORD = 80
_MOST_LEVELS = 6


class WhyPage:
    """Explains a cell of the grid, and whatever else an officer asks about."""

    def __init__(self, kit: PageKit) -> None:
        self._kit = kit

    def routes(self) -> tuple[Route, ...]:
        """List the addresses."""
        rule = f"{POLICY}/why"
        return (Route(rule=rule, endpoint="policy_why", view=self.show, guarded_by=FUNCTION),)

    def show(self) -> Response:
        """Answer what the address asks: function, organisation, vetting, post, unit, action."""
        page = self._kit.open_request()
        engine = self._kit.services.engine()
        asked = self._asked(page, engine)
        if isinstance(asked, Response):
            return asked
        policy_set = engine.policy_set
        contact = self._kit.services.brand.host_vetting_contact
        answer = _answer(engine, asked, page.at, contact)
        agreements = {each.id: each for each in policy_set.agreements}
        agreement = agreements.get(answer.decision.agreement_id or "")
        rules = asked_rules(answer.explanation, policy_set)
        audience = asked.audience
        return page.respond(
            "policy_why.html",
            asked=asked,
            function=asked.function,
            audience=audience,
            answer=answer,
            gates=gate_steps(answer, asked, policy_set),
            rules=[each for each in rules if each.outcome != ELSEWHERE],
            elsewhere=sum(1 for each in rules if each.outcome == ELSEWHERE),
            agreement=agreement and agreement_row(agreement, policy_set, at=page.at),
            others=[
                agreement_row(each, policy_set, at=page.at)
                for each in policy_set.agreements
                if asked.function.id in each.functions
                and audience.organisation.id in each.serves
                and each is not agreement
            ],
            digest=policy_set.digest,
            functions=policy_set.catalogue.functions.values(),
            organisations=policy_set.organisations,
            levels=[each for each in policy_set.levels.levels if each.systems],
            holds=",".join(audience.levels),
        )

    def _asked(self, page: PageRequest, engine: Engine) -> Asked | Response:
        policy_set = engine.policy_set
        function = policy_set.catalogue.functions.get(request.args.get("function", ""))
        if function is None:
            return unknown(page, "function")
        organisations = {each.id: each for each in policy_set.organisations}
        organisation = organisations.get(request.args.get("organisation", ""))
        if organisation is None:
            return unknown(page, "organisation")
        words = [word for word in request.args.get("holds", "").split(",") if word]
        order = policy_set.levels
        if len(words) > _MOST_LEVELS or not all(order.knows(word) for word in words):
            return unknown(page, "level of vetting")
        levels = tuple(LevelId(word) for word in dict.fromkeys(words))
        actions = actions_of(function)
        action = request.args.get("action", "")
        return Asked(
            function=function,
            audience=Audience.of(organisation, levels, policy_set),
            action=action if action in actions else actions[0],
            post=request.args.get("post", "")[:_LONGEST_WORD].strip(),
            unit=request.args.get("unit", "")[:_LONGEST_WORD].strip(),
        )


def _answer(engine: Engine, asked: Asked, at: datetime, contact: str) -> Answer:
    """Ask as just anybody, and where the rules refuse that, as whom they mean."""
    audience, function = asked.audience, asked.function
    everyday = given = Situation(at, honours=HONOURED)
    if asked.post:
        given = given._replace(posts=frozenset({asked.post}))
    if asked.unit:
        given = given._replace(unit=asked.unit)
    question = given.question(audience, function, asked.action)
    decision = decide_with_steps(engine, question)
    some: tuple[str, ...] = ()
    taken = ""
    if not lets_in(decision) and decision.gate is Gate.RULE and not (asked.post or asked.unit):
        meant = _meant(engine, asked, everyday)
        some = tuple(meant)
        if meant:
            taken, best = next(iter(meant.items()))
            question = best.question(audience, function, asked.action)
            decision = decide_with_steps(engine, question)
    look, word, sentence = _words(asked, decision, some=bool(some))
    return Answer(
        look=look,
        word=word,
        sentence=sentence,
        some=some,
        change=() if lets_in(decision) else _change(engine, asked, decision, everyday, contact),
        taken=taken,
        decision=decision,
        explanation=engine.explain(question, decision),
    )


def _meant(engine: Engine, asked: Asked, everyday: Situation) -> dict[str, Situation]:
    """Give the people of the audience whom a rule lets in, in words."""
    found: dict[str, Situation] = {}
    for prepared, situation in situations(
        engine, asked.audience, asked.function, asked.action, everyday
    ):
        words = ", ".join(each for _, each in conditions_of(prepared))
        if words and words not in found:
            question = situation.question(asked.audience, asked.function, asked.action)
            if lets_in(engine.decide(question)):
                found[words] = situation
    return found


def _words(asked: Asked, decision: Decision, *, some: bool) -> tuple[str, str, str]:
    """Say the answer: the look, in a word, in a sentence."""
    whose = f"Staff of {asked.audience.organisation.name} who hold "
    whose += asked.audience.title if asked.audience.levels else "no vetting"
    if asked.post:
        whose += f", in the post {asked.post}"
    if asked.unit:
        whose += f", in the unit {asked.unit}"
    what = f"{_ACTIONS[asked.action]} “{asked.function.title}”"
    if not lets_in(decision):
        return "no", "No", f"{whose} may not {what}. {_REFUSED.get(decision.gate, '')}".rstrip()
    besides = obligation_words(decision.obligations)
    besides = f", with {besides}" if besides else ""
    if some:
        return "some", "Some of them", f"{whose} may {what}{besides}, if they are:"
    return "open", "Yes", f"{whose} may {what}{besides}."


def _change(
    engine: Engine, asked: Asked, decision: Decision, everyday: Situation, contact: str
) -> tuple[str, ...]:
    """Say what would let them in, each way found by asking again."""
    if decision.gate is Gate.AGREEMENT:
        whose = asked.audience.organisation.name
        return (f"An agreement in force that offers it to {whose}. No vetting would change that.",)
    if decision.gate is Gate.OBLIGATION:
        bound = " and ".join(obligation_sentences(decision.obligations, engine.policy_set))
        return (f"Another rule, or one without this: they must {bound}.",)
    policy_set = engine.policy_set
    order = policy_set.levels
    told: dict[str, None] = {}
    tried = [(decision, "")]
    for prepared, situation in situations(
        engine, asked.audience, asked.function, asked.action, everyday
    ):
        words = ", ".join(each for _, each in conditions_of(prepared))
        question = situation.question(asked.audience, asked.function, asked.action)
        tried.append((engine.decide(question), words))
    for tried_decision, words in tried:
        besides = f" if they are {words}" if words else ""
        for way in engine.would_let_in(tried_decision):
            titles = " and ".join(order.level(level).title for level in way)
            told[f"{titles}{besides}. Ask {contact}."] = None
        if words and lets_in(tried_decision):
            told[f"Being {words}."] = None
        if len(told) >= _MOST_LEVELS:
            break
    if told and any(" if they are " not in each for each in told):
        return tuple(each for each in told if " if they are " not in each)
    whose = asked.audience.organisation.name
    return tuple(told) or (
        f"A new rule. None permits it to staff of {whose}, whatever vetting or post they have.",
    )


_ACTIONS = {"read": "read", "write": "change"}
_REFUSED = {
    Gate.AGREEMENT: "No agreement in force offers it to their organisation.",
    Gate.CLEARANCE: "Their vetting is too low for it.",
    Gate.RULE: "The rules do not permit it.",
    Gate.OBLIGATION: "A rule permits it, but binds it to what cannot be done for it.",
}
