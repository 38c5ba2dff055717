"""What programs ask is read with one reading, or refused with the place and what to do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.api.decision_request import (
    Evaluation,
    RequestFault,
    Search,
    Semantic,
    Wanted,
    read_evaluation,
    read_evaluations,
    read_search,
)

ALICE = {"type": "user", "id": "cheshire-fire/id-alice"}
PAYSLIP = {"type": "function", "id": "pay.slip"}
READ = {"name": "read"}


def written(**members: Any) -> bytes:
    said = {"subject": ALICE, "resource": PAYSLIP, "action": READ, **members}
    return json.dumps({name: each for name, each in said.items() if each is not None}).encode()


def test_a_question_is_read_and_what_is_unknown_passed_over() -> None:
    """The shape of the standard's own example, with names that exist here."""
    body = written(
        resource={**PAYSLIP, "properties": {"record": "40012", "more": 1}},
        action={**READ, "properties": {"method": "GET"}},
        context={"time": "1985-10-26T01:22-07:00", "purpose": "audit"},
        later={"version": 2},
    )

    assert read_evaluation(body).evaluations == (
        Evaluation(
            subject_type="user",
            staff_id="cheshire-fire/id-alice",
            kind="function",
            resource="pay.slip",
            action="read",
            record="40012",
            purpose="audit",
        ),
    )


def test_defaults_stand_where_a_question_says_nothing() -> None:
    each = [{"action": {"name": "write"}}, {"resource": {**PAYSLIP, "id": "hr.sit"}}, {}]
    asked = read_evaluations(
        written(evaluations=each, options={"evaluations_semantic": "deny_on_first_deny"})
    )

    assert [(one.resource, one.action) for one in asked.evaluations] == [
        ("pay.slip", "write"),
        ("hr.sit", "read"),
        ("pay.slip", "read"),
    ]
    assert (asked.semantic, asked.single) == (Semantic.DENY_ON_FIRST_DENY, False)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"subject": None}, "subject: write an object"),
        ({"subject": {"type": "user"}}, "subject.id: write text of 1 to 2000 characters"),
        ({"subject": {"type": "robot", "id": "x"}}, "subject.type: write one of staff, user"),
        ({"resource": {"type": "todo", "id": "1"}}, "resource.type: write one of function, reque"),
        ({"resource": {**PAYSLIP, "id": "x" * 2001}}, "resource.id: write text"),
        ({"resource": {**PAYSLIP, "properties": []}}, "resource.properties: write an object"),
        ({"action": {"name": "can_read"}}, "action.name: write one of read, write"),
        ({"resource": {"type": "request", "id": "/"}}, "action.name: write one of GET, HEAD"),
        ({"context": "now"}, "context: write an object"),
        ({"evaluations": {}}, "evaluations: write an array"),
        ({"evaluations": [{}] * 61}, "evaluations: write 60 at the most, not 61"),
        ({"evaluations": [{}, 1]}, "evaluations[1]: write an object"),
        ({"evaluations": [{"action": {}}]}, "evaluations[0].action.name: write one of"),
        ({"evaluations": [{}], "options": 1}, "options: write an object"),
        ({"evaluations": [{"subject": ALICE}], "subject": 1}, "subject: write an object"),
        (
            {"evaluations": [{}], "options": {"evaluations_semantic": "any"}},
            "options.evaluations_semantic: write one of execute_all, deny",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(members: dict[str, Any], expected: str) -> None:
    with pytest.raises(RequestFault) as refused:
        read_evaluations(written(**members))

    assert str(refused.value).startswith(expected)


@pytest.mark.parametrize("text", ["", "a\x00b", "a\nb", "a\n", "\x7f", "half \ud800", 7, None])
def test_text_that_nobody_could_write_down_is_none(text: object) -> None:
    """Half a character would be an error at the database, not an answer."""
    with pytest.raises(RequestFault, match=r"subject\.id: write text of 1 to 2000 characters"):
        read_evaluation(written(subject={"type": "user", "id": text}))


def test_a_search_leaves_one_thing_open_and_passes_over_what_is_said_of_it() -> None:
    by_subject = read_search(written(subject={"type": "staff", "id": 7}), Wanted.SUBJECT)
    by_resource = read_search(
        written(resource={"type": "function", "id": ["ignored"]}), Wanted.RESOURCE
    )
    by_action = read_search(written(action="ignored"), Wanted.ACTION)

    assert by_subject.question.subject_type == "staff"
    assert [each.question.staff_id for each in (by_subject, by_action)] == ["", ALICE["id"]]
    assert [each.question.resource for each in (by_subject, by_resource)] == ["pay.slip", ""]
    assert [each.question.action for each in (by_resource, by_action)] == ["read", ""]
    assert read_search(written(action=None), Wanted.ACTION) == by_action


def test_a_page_says_how_many_and_from_where() -> None:
    said = {"limit": 20, "token": "t1", "properties": {"sort": "id"}, "more": 1}
    first = {"limit": 0, "token": ""}

    assert read_search(written(page=said), Wanted.SUBJECT) == Search(
        wanted=Wanted.SUBJECT,
        question=read_search(written(), Wanted.SUBJECT).question,
        limit=20,
        token="t1",
    )
    assert read_search(written(page=first), Wanted.ACTION).limit == 0
    assert read_search(written(page={"limit": 10**30}), Wanted.ACTION).limit == 1_000_000
    assert read_search(written(), Wanted.ACTION).limit is None


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"resource": {"type": "request", "id": "/"}, "action": {"name": "GET"}}, "resource.type"),
        ({"page": 1}, "page: write an object"),
        ({"page": {"token": 1}}, "page.token: write text"),
        ({"page": {"limit": -1}}, "page.limit: write a whole number"),
        ({"page": {"limit": None}}, "page.limit: write a whole number"),
        ({"page": {"limit": True}}, "page.limit: write a whole number"),
        ({"page": {"properties": []}}, "page.properties: write an object"),
        ({"subject": {**ALICE, "properties": 1}}, "subject.properties: write an object"),
        ({"action": {**READ, "properties": 1}}, "action.properties: write an object"),
    ],
)
def test_a_search_that_is_not_there_is_told(members: dict[str, Any], expected: str) -> None:
    with pytest.raises(RequestFault, match=expected):
        read_search(written(**members), Wanted.RESOURCE)
