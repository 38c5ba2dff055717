"""A visit knows who came how, and a Grant exists for a recorded permit only."""

from __future__ import annotations

import pytest

from gateway.audit.entry import EntryDraft, Kind
from gateway.visit import Grant, UnearnedGrantError
from policies.engine import Engine
from policies.question import Question
from tests.gateway.visits import new_visit, request
from tests.policies.people import AT, FIRE, PASSWORD, cheshire, subject

TARGET = "/OA_HTML/OA.jsp"
QUERY = (("OAFunc", "XX_PAYSLIP"),)


def test_a_visit_knows_where_it_comes_from() -> None:
    visit = new_visit(request("HEAD", user_agent=b"Firefox \xff"))

    assert (visit.ip, visit.method, visit.agent) == ("10.1.2.3", "HEAD", "Firefox \ufffd")
    assert new_visit(request()).agent == ""


@pytest.mark.parametrize(("levels", "permitted"), [(("DBSB",), True), ((), False)])
def test_a_grant_is_made_for_a_permit_and_for_nothing_else(
    levels: tuple[str, ...], permitted: bool
) -> None:
    """Whatever fails on the way, nobody can act on a denial."""
    match = cheshire().catalogue.match("GET", TARGET, QUERY)
    assert match is not None
    question = Question(
        subject=subject(*levels),
        function=match.function,
        action="read",
        at=AT,
        record_person=None,
        record_organisation=FIRE,
        factors=PASSWORD,
    )
    decision = Engine.compile(cheshire()).decide(question)
    entry = EntryDraft(kind=Kind.ACCESS, at_us=1)

    assert decision.permitted is permitted
    if permitted:
        grant = Grant(decision=decision, question=question, match=match, entry=entry)
        assert "EntryDraft" not in repr(grant)
    else:
        with pytest.raises(UnearnedGrantError):
            Grant(decision=decision, question=question, match=match, entry=entry)
