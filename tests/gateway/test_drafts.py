"""What an entry says of a visit: codes in clear, persons where they are encrypted, never values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.audit.entry import EntryDraft, Kind, Outcome
from gateway.drafts import decision_draft, refusal_draft
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
    return decision_draft(visit, question, decision, match, host=HOST)


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
