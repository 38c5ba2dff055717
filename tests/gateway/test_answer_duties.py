"""What is to be done with an answer: by permit, function and marking, and who is told of alarms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from structlog.testing import capture_logs

from gateway.answer_duties import AnswerDuties, AnswerDuty
from gateway.audit.entry import EntryDraft, Kind, Outcome
from gateway.audit.recorder import Recorder
from gateway.backoffice.forward import Forwarded, Outbound
from gateway.backoffice.forwarder import Forwarder
from gateway.backoffice.held_answer import HeldBytes
from gateway.backoffice.treatment.treat import Treatment
from gateway.backoffice.websocket import WebSockets as WebSocketsOfSystem
from gateway.errors import RecordUnavailable
from gateway.identity.sessions.live_session import LiveSession
from gateway.visit import Grant, Visit
from policies.answer_rules import Marking, MarkingRule, MenuRule
from policies.catalogue import Catalogue, Function
from policies.engine import Engine
from policies.obligations import FieldSet, Obligation
from policies.policy_set import PolicySet
from policies.question import Question
from tests.gateway.identity.parts import AT, new_parts, us
from tests.gateway.visits import REFERENCE, new_visit, request
from tests.policies.people import requirement, rule_text, subject, with_rules

MENU = MenuRule(opens={"function_id": "/OA_HTML/RF.jsp?function_id="})
MARKING = MarkingRule(
    system="ebs",
    header="classification",
    required=False,
    markings=(
        Marking(word="OFFICIAL", needs=requirement("BASE")),
        Marking(word="OFFICIAL-SENSITIVE", needs=requirement("N2F or RV")),
        Marking(word="SECRET", needs=None),
    ),
)
SETS = {
    "bank-details": FieldSet(
        id="bank-details",
        title="Bank details",
        fields=frozenset({"sort_code"}),
        needs=requirement("N2F"),
    ),
    "health": FieldSet(id="health", title="Health", fields=frozenset({"sick_note"})),
}


@dataclass
class NotingRecorder:
    """Keeps what it is given, or cannot."""

    fails: bool = False
    drafts: list[EntryDraft] = field(default_factory=list)

    def record_async(self, draft: EntryDraft) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.drafts.append(draft)
        if self.fails:
            done.set_exception(RecordUnavailable("the disk is full"))
        else:
            done.set_result(None)
        return done


@dataclass
class Answering:
    """A way to a system that ended in some way."""

    result: Forwarded

    def looking(self, *_: object) -> Answering:
        return self

    async def forward(self, *_: object) -> Forwarded:
        return self.result


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveSession]:
    """Somebody's live session."""
    (tmp_path / "parts").mkdir()
    with new_parts(tmp_path / "parts") as parts:
        token, _ = parts.sign_in()
        found = parts.cache.load(token, at=AT)
        assert found is not None
        yield found


def policy_set(
    folder: Path, bound: str, *, menu: MenuRule | None = None, marked: bool = False
) -> PolicySet:
    """The shipped set with one rule for two functions, one of which may be a menu."""
    more = f"obligations = {{ {bound} }}" if bound else ""
    text = rule_text(
        'organisation_kind = ["fire"]', functions='["pay.slip", "hr.absence"]', more=more
    )
    shipped = with_rules(folder, text)
    functions: list[Function] = [
        replace(each, menu=menu) if each.id == "pay.slip" else each
        for each in shipped.catalogue.functions.values()
    ]
    catalogue = Catalogue(
        functions,
        carriers=shipped.catalogue.carriers,
        form_paths=shipped.catalogue.form_paths,
        purposes=shipped.catalogue.purposes,
        field_sets=SETS,
        markings={"ebs": MARKING} if marked else {},
    )
    return replace(shipped, catalogue=catalogue)


def visited(
    live: LiveSession, of: PolicySet, *levels: str
) -> tuple[Visit, Grant, AnswerDuties, NotingRecorder]:
    """A permitted visit to `pay.slip` by somebody of the fire service."""
    engine = Engine.compile(of)
    visit = new_visit(request(target=b"/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP"), live=live)
    match = of.catalogue.match("GET", "/OA_HTML/OA.jsp", (("OAFunc", "XX_PAYSLIP"),))
    assert match is not None
    question = Question(
        subject=subject(*(levels or ("DBSB",))),
        function=match.function,
        action="read",
        at=AT,
        honours=frozenset(Obligation),
    )
    decision = engine.decide(question)
    visit.engine, visit.question = engine, question
    entry = EntryDraft(kind=Kind.ACCESS, at_us=0)
    recorder = NotingRecorder()
    duties = AnswerDuties(
        system="ebs",
        origins={"http://ebs": b""},
        catalogue=lambda: of.catalogue,
        recorder=cast("Recorder", recorder),
        room=HeldBytes(),
    )
    return visit, Grant(decision, question, match, entry), duties, recorder


def test_where_nothing_is_asked_nothing_is_done(tmp_path: Path, live: LiveSession) -> None:
    visit, granted, duties, _ = visited(live, policy_set(tmp_path, ""))

    assert duties.of(visit, granted) is None
    assert duties.of(visit, None) is None


def test_what_the_permit_is_bound_to_is_done(tmp_path: Path, live: LiveSession) -> None:
    bound = 'mask = ["bank-details", "health"], watermark = true'
    visit, granted, duties, _ = visited(live, policy_set(tmp_path, bound))

    duty = duties.of(visit, granted)

    assert duty is not None
    assert duty.treatment is not None
    assert duty.treatment.mask is not None
    assert set(duty.treatment.mask.by_name) == {"sortcode", "sicknote"}
    assert duty.treatment.menu is None
    assert duty.treatment.mark == (
        "Shown to Alice, Cheshire Fire and Rescue Service. "
        f"21 November 2026 at 12:00. Reference {REFERENCE}."
    )
    again = duties.of(visit, granted)
    assert again is not None
    assert again.treatment is not None
    assert again.treatment.mask is duty.treatment.mask


def test_whose_vetting_reaches_a_set_is_shown_it(tmp_path: Path, live: LiveSession) -> None:
    both = policy_set(tmp_path, 'mask = ["bank-details", "health"]')
    visit, granted, duties, _ = visited(live, both, "DBSB", "N2F")
    duty = duties.of(visit, granted)
    assert duty is not None
    assert duty.treatment is not None
    assert duty.treatment.mask is not None
    assert set(duty.treatment.mask.by_name) == {"sicknote"}
    assert visit.done == ("mask-not-needed:bank-details",)

    one = policy_set(tmp_path, 'mask = ["bank-details"]')
    visit, granted, duties, _ = visited(live, one, "DBSB", "N2F")
    duty = duties.of(visit, granted)
    assert duty is not None
    assert duty.treatment is None
    duty.did(("x",))
    assert visit.done == ("mask-not-needed:bank-details", "x")


@pytest.mark.parametrize(
    ("address", "opens"),
    [
        ("/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP", True),
        ("OA.jsp?OAFunc=XX_PAYSLIP", True),
        ("?OAFunc=XX_PAYSLIP#x", True),
        ("http://ebs/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP", True),
        ("/OA_HTML/RF.jsp?function_id=1040105", True),  # hr.absence
        ("/OA_HTML/OA.jsp?OAFunc=XX_BANK", False),  # no rule
        ("/OA_HTML/RF.jsp?function_id=1040110", False),  # hr.search
        ("/OA_HTML/RF.jsp?function_id=MAINMENUREST", False),
        ("/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP&person_id=40012", False),
        ("/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP&OAFunc=XX_BANK", False),
        ("http://evil/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP", False),
        ("javascript:alert(1)", False),
        ("//evil/x", False),
        ("/OA_HTML/%2e%2e/x", False),
        ("http://[", False),
        ("é", False),
    ],
)
def test_a_menu_lists_what_the_same_engine_permits(
    tmp_path: Path, live: LiveSession, address: str, opens: bool
) -> None:
    visit, granted, duties, _ = visited(live, policy_set(tmp_path, "", menu=MENU))

    duty = duties.of(visit, granted)

    assert duty is not None
    assert duty.treatment is not None
    assert duty.treatment.menu is not None
    assert duty.treatment.menu.opens is MENU.opens
    assert duty.treatment.menu.may_open(address) is opens
    assert duty.treatment.menu.may_open(address) is opens


def test_a_menu_lists_what_may_be_opened_now_and_not_when_it_was_decided_on(
    live: LiveSession, tmp_path: Path
) -> None:
    """What is permitted again and again is not decided each time; what it shows is."""
    visit, granted, duties, _ = visited(live, policy_set(tmp_path, "", menu=MENU))
    visit.at_us = us(AT - timedelta(days=4000))  # before there was an agreement
    duty = duties.of(visit, granted)

    assert duty is not None
    assert duty.treatment is not None
    assert duty.treatment.menu is not None
    assert not duty.treatment.menu.may_open("/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP")


def test_what_a_person_can_still_see_to_is_listed(tmp_path: Path, live: LiveSession) -> None:
    of = policy_set(tmp_path, 'purpose = ["audit"], step_up = true', menu=MENU)
    visit, granted, duties, _ = visited_with(live, of)

    duty = duties.of(visit, granted)

    assert duty is not None
    assert duty.treatment is not None
    assert duty.treatment.menu is not None
    assert duty.treatment.menu.may_open("/OA_HTML/OA.jsp?OAFunc=HR_LOA_SS")


def visited_with(
    live: LiveSession, of: PolicySet
) -> tuple[Visit, Grant, AnswerDuties, NotingRecorder]:
    """A visit that is permitted although its rule asks for more: as if that had been given."""
    engine = Engine.compile(of)
    visit = new_visit(request(target=b"/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP"), live=live)
    match = of.catalogue.match("GET", "/OA_HTML/OA.jsp", (("OAFunc", "XX_PAYSLIP"),))
    assert match is not None
    question = Question(
        subject=subject("DBSB"),
        function=match.function,
        action="read",
        at=AT,
        factors=frozenset({"second-factor"}),
        second_factor_age_us=0,
        purpose="audit",
        honours=frozenset(Obligation),
    )
    visit.engine, visit.question = engine, question
    recorder = NotingRecorder()
    duties = AnswerDuties(
        system="ebs",
        origins={},
        catalogue=lambda: of.catalogue,
        recorder=cast("Recorder", recorder),
        room=HeldBytes(),
    )
    entry = EntryDraft(kind=Kind.ACCESS, at_us=0)
    return visit, Grant(engine.decide(question), question, match, entry), duties, recorder


@pytest.mark.parametrize(
    ("fields", "levels", "fault"),
    [
        ([], ("DBSB",), ""),
        ([(b"classification", b"OFFICIAL")], ("DBSB",), ""),
        ([(b"classification", b"OFFICIAL-SENSITIVE")], ("DBSB",), "marking-exceeds"),
        ([(b"classification", b"official-sensitive")], ("DBSB", "N2F"), ""),
        ([(b"classification", b"SECRET")], ("DBSB", "N3"), "marking-exceeds"),
        ([(b"classification", b"\xff")], ("DBSB",), "marking-unknown"),
        ([(b"classification", b"OFFICIAL")] * 2, ("DBSB",), "marking-unknown"),
        ([(b"x-classification", b"SECRET")], ("DBSB",), ""),
    ],
)
def test_an_answer_is_judged_by_what_whoever_asks_may_see(
    tmp_path: Path,
    live: LiveSession,
    fields: list[tuple[bytes, bytes]],
    levels: tuple[str, ...],
    fault: str,
) -> None:
    visit, granted, duties, _ = visited(live, policy_set(tmp_path, "", marked=True), *levels)

    duty = duties.of(visit, granted)

    assert duty is not None
    assert duty.treatment is None
    assert duty.fault(fields) == fault


def test_a_style_sheet_may_be_marked_as_low_as_there_is(tmp_path: Path, live: LiveSession) -> None:
    visit, _, duties, _ = visited(live, policy_set(tmp_path, "", marked=True))
    duty = duties.of(visit, None)

    assert duty is not None
    assert duty.fault([(b"classification", b"OFFICIAL")]) == ""
    assert duty.fault([(b"classification", b"OFFICIAL-SENSITIVE")]) == "marking-exceeds"


def ended(duty: AnswerDuty, code: str) -> Callable[[], object]:
    result = Forwarded(status=403, code=code, answered=False)

    async def run() -> Forwarded:
        way = cast("Forwarder", Answering(result))
        return await duty.forward(way, cast("Outbound", None))

    return lambda: asyncio.run(run())


@pytest.mark.parametrize("fails", [False, True])
def test_an_alarm_is_an_entry_of_its_own_kind_and_a_line_for_operators(
    tmp_path: Path, live: LiveSession, fails: bool
) -> None:
    visit, granted, duties, recorder = visited(live, policy_set(tmp_path, "", marked=True))
    recorder.fails = fails
    duty = duties.of(visit, granted)
    assert duty is not None

    with capture_logs() as logged:
        ended(duty, "marking-exceeds")()

    (draft,) = recorder.drafts
    assert (draft.kind, draft.outcome, draft.code) == (Kind.LEAK, Outcome.DENY, "marking-exceeds")
    assert (draft.function, draft.system, draft.reference) == ("pay.slip", "ebs", REFERENCE)
    assert draft.actor_name == "alice@cheshire-fire"
    assert [line["log_level"] for line in logged] == ["error"] * (2 if fails else 1)
    assert logged[0]["code"] == "marking-exceeds"


def test_an_upgrade_is_judged_by_its_marking_and_refused_where_its_content_matters(
    tmp_path: Path, live: LiveSession
) -> None:
    visit, granted, duties, recorder = visited(live, policy_set(tmp_path, "", marked=True))
    duty = duties.of(visit, granted)
    assert duty is not None
    judged: list[str] = []

    class WebSockets:
        async def forward(
            self, *_: object, judge: Callable[[list[tuple[bytes, bytes]]], str]
        ) -> Forwarded:
            await asyncio.sleep(0)
            judged.append(judge([(b"classification", b"SECRET")]))
            return Forwarded(status=403, code=judged[-1], answered=False)

    def upgraded(one: AnswerDuty) -> Forwarded:
        way = cast("WebSocketsOfSystem", WebSockets())
        return asyncio.run(one.upgrade(way, cast("Outbound", None)))

    assert upgraded(duty).code == "marking-exceeds"
    assert [draft.kind for draft in recorder.drafts] == [Kind.LEAK]
    unread = upgraded(replace(duty, treatment=Treatment(mark="M")))
    assert (unread.status, unread.code) == (403, "answer-unseen")
    assert len(judged) == 1


def test_other_ends_are_no_alarms(tmp_path: Path, live: LiveSession) -> None:
    visit, granted, duties, recorder = visited(live, policy_set(tmp_path, "", marked=True))
    duty = duties.of(visit, granted)
    assert duty is not None

    ended(duty, "answer-type")()
    ended(duty, "")()

    assert recorder.drafts == []
