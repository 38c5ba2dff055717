"""What an entry says of a visit: codes in clear, persons where they are encrypted, never values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.audit.entry import EntryDraft, Kind, Outcome
from gateway.drafts import DecisionDrafts, decision_draft, refusal_draft
from gateway.identity.sessions.live_session import LiveSession
from policies.catalogue import Match
from policies.engine import Engine
from policies.question import Question
from tests.gateway.identity.parts import AT, FIRE, Parts, new_parts
from tests.gateway.visits import REFERENCE, new_visit, request
from tests.policies.people import cheshire, subject

HOST = "cheshire-police"
PAYSLIP = b"/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP&note=secret"


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveSession]:
    """Give somebody's live session."""
    with new_parts(tmp_path) as parts:
        yield signed_in(parts)


def signed_in(parts: Parts) -> LiveSession:
    parts.appoint()
    token, _ = parts.sign_in()
    live = parts.cache.load(token, at=AT)
    assert live is not None
    return live


def asked(
    live: LiveSession, target: bytes, query: tuple[tuple[str, str], ...], **more: str
) -> tuple[Question, Match | None]:
    path = target.split(b"?")[0].decode()
    match = cheshire().catalogue.match("GET", path, query)
    function = match.function if match else cheshire().catalogue.functions["pay.slip"]
    person = match.record_person if match else None
    question = Question(
        subject=subject("DBSB", organisation=more.get("organisation", FIRE)),
        function=function,
        action="read",
        at=AT,
        record_person=person,
        record_organisation=more.get("owner"),
        factors=live.session.factors,
    )
    return question, match


def draft_of(live: LiveSession, target: bytes, *query: tuple[str, str], **more: str) -> EntryDraft:
    question, match = asked(live, target, query, **more)
    visit = new_visit(request(target=target, user_agent=b"Firefox"), live=live)
    decision = Engine.compile(cheshire()).decide(question)
    draft = decision_draft(visit, question, decision, match, host=HOST)
    drafts = DecisionDrafts()
    for _ in range(3):  # the last one from what is known by then
        assert drafts.draft(visit, question, decision, match, host=HOST) == draft
    return draft


def test_a_decision_is_drafted_with_everything_it_was_made_of(live: LiveSession) -> None:
    draft = draft_of(live, PAYSLIP, ("OAFunc", "XX_PAYSLIP"), ("note", "secret"))

    expected = {
        "kind": Kind.ACCESS,
        "outcome": Outcome.PERMIT,
        "reference": REFERENCE,
        "code": "rule-permits",
        "function": "pay.slip",
        "regime": "GP",
        "classification": "OFFICIAL",
        "system": "ebs",
        "op": "consultation",
        "route": "/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP",
        "agreement": "cheshire-blue-light-2018",
        "method": "GET",
        "ip": "10.1.2.3",
        "agent": "Firefox",
        "organisation": "cheshire-fire",
        "staff_id": "cheshire-fire/7d3c",
        "actor_name": "alice@cheshire-fire",
        "roles": "auditor",
        "auth": "password",
        "subject": "cheshire-fire/40011",
        "recipient": "cheshire-fire",
        "target": "/OA_HTML/OA.jsp?OAFunc&note",
    }

    assert {name: getattr(draft, name) for name in expected} == expected
    assert draft.rules == ("own.self-service",)
    assert draft.policy == cheshire().digest
    assert draft.session == live.session.hash.encode()


def test_a_known_draft_is_never_taken_for_another(live: LiveSession) -> None:
    """Whatever differs in the request, in who asks or in the answer, the entry says it."""
    engine, drafts = Engine.compile(cheshire()), DecisionDrafts()
    question, match = asked(live, PAYSLIP, (("OAFunc", "XX_PAYSLIP"),))
    stranger, _ = asked(live, PAYSLIP, (("OAFunc", "XX_PAYSLIP"),), organisation="cheshire-police")
    other = replace(live, session=replace(live.session, hash="another"), _facts=None)
    plain = request(target=PAYSLIP, user_agent=b"Firefox")
    visits = [
        (new_visit(plain, live=live), question, match),
        (new_visit(plain, live=live), stranger, match),
        (new_visit(plain, live=other), question, match),
        (new_visit(request(target=PAYSLIP, user_agent=b"Chrome"), live=live), question, match),
        (new_visit(plain, live=live), replace(question, record_person="4"), match),
        (new_visit(plain, live=live), question, None),
        (new_visit(request(target=b"/else", user_agent=b"Firefox"), live=live), question, match),
    ]
    for visit, asks, means in visits * 4:
        decision = engine.decide(asks)
        expected = decision_draft(visit, asks, decision, means, host=HOST)
        assert drafts.draft(visit, asks, decision, means, host=HOST) == expected

    withheld = drafts.draft(visits[0][0], question, engine.decide(question), match, host=HOST)
    withheld.code = "page-unknown"
    again = drafts.draft(visits[0][0], question, engine.decide(question), match, host=HOST)
    assert again.code == "rule-permits"


def test_what_is_no_function_is_drafted_as_unknown(live: LiveSession) -> None:
    draft = draft_of(live, b"/no/such/thing")

    assert [getattr(draft, name) for name in ("code", "function", "subject", "recipient")] == [
        "function-unknown",
        "",
        "",
        "",
    ]
    assert draft.target == "/no/such/thing"


@pytest.mark.parametrize(
    ("owner", "whose"), [("cheshire-fire", "cheshire-fire/40012"), ("", "?/40012")]
)
def test_whose_data_it_is_is_told_as_far_as_it_is_known(
    live: LiveSession, owner: str, whose: str
) -> None:
    more = {"owner": owner} if owner else {}
    query = (("OAFunc", "XX_PAYSLIP"), ("person_id", "40012"))
    draft = draft_of(live, b"/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP&person_id=40012", *query, **more)

    assert draft.subject == whose
    assert "40012" not in draft.target


def test_a_page_about_one_person_names_that_person(live: LiveSession) -> None:
    """Equal numbers of two employers are two people, and the address says which is meant."""
    page = "/-/vetting/{}/40012"

    drafts = [
        draft_of(live, page.format(organisation).encode(), organisation=HOST)
        for organisation in ("cheshire-fire", "nwas")
    ]

    assert [each.subject for each in drafts] == ["cheshire-fire/40012", "nwas/40012"]
    assert {each.op for each in drafts} == {"consultation"}
    assert draft_of(live, b"/-/vetting", organisation=HOST).subject == ""


@pytest.mark.parametrize(("discloses", "op"), [(False, "consultation"), (True, "disclosure")])
def test_reading_is_a_disclosure_where_the_agreement_says_so(
    live: LiveSession, op: str, *, discloses: bool
) -> None:
    agreements = tuple(replace(each, discloses=discloses) for each in cheshire().agreements)
    engine = Engine.compile(replace(cheshire(), agreements=agreements))
    question, match = asked(live, PAYSLIP, (("OAFunc", "XX_PAYSLIP"),))

    draft = decision_draft(
        new_visit(request()), question, engine.decide(question), match, host=HOST
    )

    assert (draft.op, draft.recipient) == (op, "cheshire-fire")


def test_a_page_about_nobody_has_no_subject_and_the_hosts_own_staff_are_no_recipients(
    live: LiveSession,
) -> None:
    draft = draft_of(live, b"/", organisation=HOST)

    assert (draft.subject, draft.recipient) == ("", "")


def test_looking_into_the_record_is_a_kind_of_its_own(live: LiveSession) -> None:
    assert draft_of(live, b"/-/audit", organisation=HOST).kind is Kind.AUDIT_QUERY


@pytest.mark.parametrize(
    ("status", "outcome"), [(400, Outcome.DENY), (404, Outcome.DENY), (503, Outcome.ERROR)]
)
def test_a_refusal_without_a_decision_names_whom_it_can(
    live: LiveSession, status: int, outcome: Outcome
) -> None:
    known = refusal_draft(new_visit(request(), live=live), Kind.ACCESS, "why", status)
    unknown = refusal_draft(new_visit(request()), Kind.ACCESS, "why", status)

    assert (known.outcome, known.code, known.status) == (outcome, "why", status)
    assert known.staff_id == "cheshire-fire/id-alice"
    assert (unknown.staff_id, unknown.ip) == ("", "10.1.2.3")


def test_a_target_that_could_not_be_read_is_kept_as_it_came_to_a_bound() -> None:
    raw = b"/\xff" + b"a" * 300
    draft = refusal_draft(new_visit(request(target=raw), targeted=False), Kind.ACCESS, "why", 400)

    assert draft.target == "/\\xff" + "a" * 198


def test_what_is_asked_for_once_is_not_kept(live: LiveSession) -> None:
    engine, drafts = Engine.compile(cheshire()), DecisionDrafts()
    question, match = asked(live, PAYSLIP, (("OAFunc", "XX_PAYSLIP"),))
    decision = engine.decide(question)
    for number in range(300):
        once = new_visit(request(target=b"%b&_ti=%d" % (PAYSLIP, number)), live=live)
        drafts.draft(once, question, decision, match, host=HOST)

    assert len(drafts) == 0

    often = new_visit(request(target=PAYSLIP), live=live)
    first, second, third = (
        drafts.draft(often, question, decision, match, host=HOST) for _ in range(3)
    )

    assert (first.repetition, second.repetition) == (None, None)
    assert third.repetition is not None
    assert len(drafts) == 1


def test_a_form_sent_again_and_again_takes_one_place(live: LiveSession) -> None:
    """What it means is worked out of its body anew, each time."""
    engine, drafts = Engine.compile(cheshire()), DecisionDrafts()
    question, match = asked(live, PAYSLIP, (("OAFunc", "XX_PAYSLIP"),))
    assert match is not None
    visit = new_visit(request("POST", PAYSLIP, length=3), live=live)
    for _ in range(20):
        read = replace(match)
        draft = drafts.draft(visit, question, engine.decide(question), read, host=HOST)
        assert draft.repetition is None

    assert len(drafts) == 1


def test_a_session_read_anew_takes_the_place_of_what_it_was(live: LiveSession) -> None:
    """Each is, every few minutes; and nothing of before is said of it."""
    engine, drafts = Engine.compile(cheshire()), DecisionDrafts()
    question, match = asked(live, PAYSLIP, (("OAFunc", "XX_PAYSLIP"),))
    decision = engine.decide(question)
    visit = new_visit(request(target=PAYSLIP), live=live)
    for number in range(20):
        staff = replace(live.staff, username=f"alice{number}")
        visit.live = replace(live, staff=staff, _facts=None)
        expected = decision_draft(visit, question, decision, match, host=HOST)
        for _ in range(3):
            assert drafts.draft(visit, question, decision, match, host=HOST) == expected

    assert len(drafts) == 1


def test_what_is_known_of_a_session_goes_with_it(live: LiveSession) -> None:
    """The people of yesterday do not stay in memory, and never fill it."""
    engine, drafts = Engine.compile(cheshire()), DecisionDrafts()
    question, match = asked(live, PAYSLIP, (("OAFunc", "XX_PAYSLIP"),))
    decision = engine.decide(question)
    of_live = new_visit(request(target=PAYSLIP), live=live)
    for _ in range(2):
        drafts.draft(of_live, question, decision, match, host=HOST)
    most = 0
    for number in range(2_000):
        session = replace(live.session, hash=f"session {number}")
        theirs = replace(live, session=session, _facts=None)
        visit = new_visit(request(target=PAYSLIP), live=theirs)
        for _ in range(2):
            drafts.draft(visit, question, decision, match, host=HOST)
        theirs.dropped = True
        most = max(most, len(drafts))

    assert 250 < most < 400
    assert drafts.draft(of_live, question, decision, match, host=HOST).repetition is not None


def test_what_is_known_is_bounded(live: LiveSession) -> None:
    engine, drafts = Engine.compile(cheshire()), DecisionDrafts(most=20)
    question, match = asked(live, PAYSLIP, (("OAFunc", "XX_PAYSLIP"),))
    decision = engine.decide(question)
    for number in range(50):
        visit = new_visit(request(target=b"%b&page=%d" % (PAYSLIP, number)), live=live)
        for _ in range(2):
            drafts.draft(visit, question, decision, match, host=HOST)
        assert len(drafts) <= 20
