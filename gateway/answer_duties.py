"""What is to be done with the answer of a visit: asked once a visit, before it is sent on.

- Fields are masked where the permit is bound to it, but for those sets whose `needs` the person's
  vetting meets, and pages and downloads are marked with who takes them.
- A function that lists functions shows each person those that they may open, by the same engine.
- A system's answers are looked at for how they are marked. One that is marked higher than whoever
  asks may see is refused, and an alarm: an entry of its own kind, and a line for operators.

Most visits have none of it, and cost two look-ups.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import urldefrag, urljoin
from zoneinfo import ZoneInfo

import structlog

from gateway.backoffice.canonical import TargetError, canonicalise_target
from gateway.backoffice.forward import Forwarded
from gateway.backoffice.headers import local_location
from gateway.backoffice.held_answer import (
    CheckedExchange,
    HeldBytes,
    HeldExchange,
)
from gateway.backoffice.treatment.field_mask import FieldMask
from gateway.backoffice.treatment.menus import Menu
from gateway.backoffice.treatment.treat import Treatment
from gateway.drafts import leak_draft
from gateway.errors import RecordUnavailable
from policies.function import Action
from policies.obligations import MASK_BIT, WATERMARK_BIT
from policies.tiles import LEFT_TO_PERSON

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.audit.recorder import Recorder
    from gateway.backoffice.forward import Outbound
    from gateway.backoffice.forwarder import Forwarder
    from gateway.backoffice.websocket import WebSockets
    from gateway.system_hosts import SystemHost
    from gateway.visit import Grant, Visit
    from policies.answer_rules import MarkingRule, MenuRule
    from policies.catalogue import Catalogue
    from policies.obligations import FieldSet
    from policies.question import Question

_log = structlog.get_logger("answers")

_DONE_BITS: Final = MASK_BIT | WATERMARK_BIT
_LONDON: Final = ZoneInfo("Europe/London")
_NOT_NEEDED: Final = "mask-not-needed"
_ALARMS: Final = frozenset({"marking-exceeds", "marking-unknown", "marking-missing"})

_NO_HOSTS: Mapping[str, SystemHost] = MappingProxyType({})


class AnswerDuties:
    """Says what is to be done with answers of one system. One a worker, on its event loop."""

    def __init__(
        self,
        *,
        system: str,
        origins: Mapping[str, bytes],
        catalogue: Callable[[], Catalogue],
        recorder: Recorder,
        room: HeldBytes,
        hosts: Mapping[str, SystemHost] = _NO_HOSTS,
    ) -> None:
        """Hold the parts.

        Args:
            system: id of the system.
            origins: of it, by which its own addresses are known.
            catalogue: of the policy set in force.
            recorder: makes alarms durable.
            room: how much of answers is held.
            hosts: the systems that have hosts of their own, by id.
        """
        self._system = system
        self._hosts = hosts
        self._origins = origins
        self._catalogue = catalogue
        self._recorder = recorder
        self._room = room
        self._looked_at: Catalogue | None = None
        self._marking: MarkingRule | None = None
        self._masks: dict[frozenset[str], FieldMask] = {}
        self._masks_of: Mapping[str, FieldSet] | None = None

    def of(self, visit: Visit, grant: Grant | None) -> AnswerDuty | None:
        """Give what is to be done with the answer of a visit; None for nothing.

        Args:
            visit: the visit.
            grant: leave to act; None for a style sheet and the like.
        """
        # That which it was decided by; another may have come into force.
        engine = visit.engine
        catalogue = self._catalogue() if engine is None else engine.policy_set.catalogue
        if catalogue is not self._looked_at:
            self._looked_at, self._marking = catalogue, catalogue.markings.get(self._system)
        marking = self._marking
        if grant is not None and (
            grant.decision.obligations.bits & _DONE_BITS or grant.match.function.menu is not None
        ):
            treatment, words = self._treatment(visit, grant, catalogue)
            return self._duty(visit, grant, marking, treatment, words)
        return None if marking is None else self._duty(visit, grant, marking, None, ())

    def _duty(
        self,
        visit: Visit,
        grant: Grant | None,
        marking: MarkingRule | None,
        treatment: Treatment | None,
        words: tuple[str, ...],
    ) -> AnswerDuty:
        visit.done = words
        return AnswerDuty(
            visit=visit,
            grant=grant,
            system=self._system,
            marking=marking,
            treatment=treatment,
            recorder=self._recorder,
            room=self._room,
        )

    def _treatment(
        self, visit: Visit, grant: Grant, catalogue: Catalogue
    ) -> tuple[Treatment | None, tuple[str, ...]]:
        """Give what is done to an answer, and what is left as the person's vetting reaches it."""
        decision, menu = grant.decision, grant.match.function.menu
        owed, reach = decision.obligations, decision.results.reach
        sets = {name: catalogue.field_sets[name] for name in owed.mask}
        reached = {
            name
            for name, each in sets.items()
            if each.needs is not None and each.needs.met_by(reach)
        }
        hidden = frozenset(sets.keys() - reached)
        words = tuple(f"{_NOT_NEEDED}:{name}" for name in sorted(reached))
        if not (hidden or owed.watermark or menu is not None):
            return None, words
        treatment = Treatment(
            mask=self._mask(hidden, catalogue.field_sets) if hidden else None,
            menu=None if menu is None else self._menu(visit, grant, menu),
            mark=_mark(visit) if owed.watermark else "",
        )
        return treatment, words

    def _mask(self, names: frozenset[str], sets: Mapping[str, FieldSet]) -> FieldMask:
        if self._masks_of is not sets:  # another policy set came into force
            self._masks, self._masks_of = {}, sets
        mask = self._masks.get(names)
        if mask is None:
            mask = self._masks[names] = FieldMask.of(sets[name] for name in names)
        return mask

    def _menu(self, visit: Visit, grant: Grant, rule: MenuRule) -> Menu:
        opens = _Openable(visit, grant.question, self._origins, self._hosts)
        return Menu(opens=rule.opens, may_open=opens.may_open)


@dataclass(slots=True, kw_only=True, eq=False)
class AnswerDuty:
    """What is to be done with the answer of one visit.

    Attributes:
        visit: the visit; what was done is noted on it.
        grant: leave to act; None for a style sheet and the like.
        system: which answers.
        marking: how its answers are marked; None where they are not.
        treatment: what is done to the answer; None where its head alone is looked at.
        recorder: makes alarms durable.
        room: how much of answers is held.
    """

    visit: Visit
    grant: Grant | None
    system: str
    marking: MarkingRule | None
    treatment: Treatment | None
    recorder: Recorder
    room: HeldBytes

    async def forward(self, forwarder: Forwarder, outbound: Outbound) -> Forwarded:
        """Forward the visit, and see to its answer.

        Raises:
            ExchangeError: nothing has been said to the client; the caller refuses.
        """
        if self.treatment is None:
            looking = forwarder.looking(partial(CheckedExchange, self))
        else:
            looking = forwarder.looking(partial(HeldExchange, self, self.room))
        result = await looking.forward(self.visit, outbound)
        if result.code in _ALARMS:
            await self._alarm(result.code)
        return result

    async def upgrade(self, websockets: WebSockets, outbound: Outbound) -> Forwarded:
        """Take an upgrade to the system; the head of its answer is judged as that of any other.

        Raises:
            ExchangeError: nothing has been said to the client; the caller refuses.
        """
        if self.treatment is not None:  # nobody reads what is said over it
            return Forwarded(status=403, code="answer-unseen", answered=False)
        result = await websockets.forward(self.visit, outbound, judge=self.fault)
        if result.code in _ALARMS:
            await self._alarm(result.code)
        return result

    def fault(self, fields: list[tuple[bytes, bytes]]) -> str:
        """Say, by its marking, why an answer may not be shown: a fixed word, empty where it may."""
        rule = self.marking
        if rule is None:
            return ""
        name = rule.header.encode("ascii")
        values = [value.decode("latin-1") for told, value in fields if told == name]
        if self.grant is None:  # as little as there is: nobody was asked for more
            return rule.fault(values, rule.markings[0].word, 0)
        classification = self.grant.match.function.classification
        return rule.fault(values, classification, self.grant.decision.results.reach)

    def did(self, words: tuple[str, ...]) -> None:
        """Note what was done to the answer."""
        self.visit.done += words

    async def _alarm(self, code: str) -> None:
        function = None if self.grant is None else self.grant.match.function
        name = "" if function is None else function.id
        reference = self.visit.reference
        _log.error(
            "answer marked above what may be shown",
            reference=reference,
            system=self.system,
            function=name,
            code=code,
        )
        try:
            draft = leak_draft(self.visit, self.system, function, code)
            await self.recorder.record_async(draft)
        except RecordUnavailable:  # it is refused all the same
            _log.error("alarm not recorded", reference=reference, code=code)


@dataclass(slots=True)
class _Openable:
    """Tells which addresses somebody may open; each function is decided once."""

    visit: Visit
    question: Question
    origins: Mapping[str, bytes]
    hosts: Mapping[str, SystemHost]
    _known: dict[str, bool] = field(default_factory=dict)

    def may_open(self, address: str) -> bool:
        """Tell whether an address opens a function that is permitted."""
        engine, here = self.visit.engine, self.visit.target
        if engine is None or here is None:
            return False
        try:
            whole = urldefrag(urljoin(here.sent.decode("ascii"), address)).url
            local = local_location(whole.encode("ascii"), self.origins)
            if local is None:
                return False
            system = "" if here.host is None else here.host.system
            if not local.startswith(b"/"):  # another host of ours
                system, local = self._there(local)
            whole_catalogue = engine.policy_set.catalogue
            if system:
                catalogue = whole_catalogue.at(system)
            else:
                catalogue = whole_catalogue.without(frozenset(self.hosts))
            target = canonicalise_target(local, catalogue.declared_parameters)
        except (TargetError, ValueError):
            return False
        match = catalogue.match("GET", target.path, target.query)
        if match is None:
            return False
        if match.record_person is not None:
            return self._decided(match.function.id, match.record_person)
        known = self._known.get(match.function.id)
        if known is None:
            known = self._known[match.function.id] = self._decided(match.function.id, None)
        return known

    def _there(self, place: bytes) -> tuple[str, bytes]:
        """Give the system of a place at another host of ours, none for the gateway's; its path."""
        for host in self.hosts.values():
            origin = host.origin.encode("ascii")
            if place.startswith(origin + b"/"):
                return host.system, place.removeprefix(origin)
        main = next(each.main for each in self.hosts.values()).encode("ascii")
        return "", place.removeprefix(main)

    def _decided(self, function_id: str, person: str | None) -> bool:
        visit, live = self.visit, self.visit.live
        if visit.engine is None or live is None:
            return False
        function = visit.engine.policy_set.catalogue.functions[function_id]
        session, shown_at_us = live.session, live.session.second_factor_at_us
        decision = visit.engine.decide(
            replace(
                self.question,
                at=visit.at,  # what is followed was asked a moment ago
                second_factor_age_us=None if shown_at_us is None else visit.at_us - shown_at_us,
                function=function,
                action=Action.READ,
                record_person=person,
                record_organisation=None,
                factors=function.fresh_factors(session.factors, shown_at_us, visit.at_us),
                purpose=None,
            )
        )
        return decision.permitted or decision.reason in LEFT_TO_PERSON


def _mark(visit: Visit) -> str:
    """Write the line that says who takes something away, and when."""
    if visit.live is None or visit.engine is None:
        raise ValueError("answer: a visit without session")
    subject = visit.live.subject
    organisations = visit.engine.policy_set.organisations
    names = {each.id: each.name for each in organisations}
    local = visit.at.astimezone(_LONDON)
    when = f"{local.day} {local:%B %Y} at {local:%H:%M}"
    who = subject.name or visit.live.staff.username
    organisation = names.get(subject.organisation, subject.organisation)
    line = f"Shown to {who}, {organisation}. {when}. Reference {visit.reference}."
    return "".join(letter if letter.isprintable() else " " for letter in line)
