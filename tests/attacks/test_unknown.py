"""What does not exist and what is not offered are one answer; nobody learns what others may use."""

from __future__ import annotations

import re
from statistics import median
from time import perf_counter

import pytest

from tests.attacks.target import Target
from tests.attacks.wire import Reply

UNKNOWN = (
    b"/nothing/here",
    b"/OA_HTML/OAExport.jsp",
    b"/OA_HTML/OA.jsp?OAFunc=NO_SUCH",
    b"/-/none",
)
# What an Oracle suite answers besides its functions: the whole menu, what streams or exports, the
# details of any notification, forms without a name.
LEAKS = (
    b"/OA_HTML/RF.jsp?function_id=MAINMENUREST&security_group_id=0",
    b"/OA_HTML/OA.jsp?OAFunc=MAINMENUREST",
    b"/OA_HTML/jsp/fnd/AOLDataStreaming.jsp",
    b"/OA_HTML/OAErrorPage.jsp",
    b"/OA_HTML/OAExport.jsp?OAFunc=XX_PAYSLIP",
    b"/OA_HTML/OADownload.jsp?OAFunc=XX_PAYSLIP",
    b"/OA_HTML/fndvald.jsp",
    b"/OA_HTML/JavaScriptServlet",
    b"/OA_HTML/AppsLocalLogin.jsp",
    b"/OA_HTML/OA.jsp?OAFunc=FND_WFNTF_DETAILS",
    b"/OA_HTML/OA.jsp?page=/oracle/apps/fnd/sso/login/webui/MainLoginPG",
    b"/forms/frmservlet",
    b"/forms/frmservlet?config=x",
    b"/forms/lservlet",
)
# Functions of the back office that no agreement offers to the fire service.
NOT_OFFERED = (b"/dms/me/roster", b"/admin/console", b"/custody/C-1/record", b"/cj/cases/CJ-1/file")


def without_reference(reply: Reply) -> bytes:
    """Give head and body of a refusal without its reference."""
    reference = (reply.reference or "").encode()
    text = reply.head + b"\r\n\r\n" + reply.body
    for part in (reference, reference[:5], reference[5:]):
        text = text.replace(part, b"PART") if part else text
    return re.sub(rb"(?i)\r\ndate: [^\r]*", b"", text)


def test_unknown_and_not_offered_are_the_same_to_the_byte(target: Target) -> None:
    """Head and body, for every method that a browser or a program would try."""
    mark = target.relay.count
    for method in (b"GET", b"HEAD", b"POST", b"DELETE"):
        fields = [(b"Origin", target.origin)]
        replies = [
            target.say(
                target.request(one, method=method, fields=fields), head_only=method == b"HEAD"
            )
            for one in (*UNKNOWN, *NOT_OFFERED)
        ]
        assert {reply.status for reply in replies} == {404}
        if method != b"HEAD":
            assert all(reply.reference for reply in replies)
            assert len({without_reference(reply) for reply in replies}) == 1

    assert target.let_through(mark) == []


@pytest.mark.parametrize("wanted", LEAKS)
def test_what_an_oracle_suite_answers_besides_its_functions_is_unknown(
    target: Target, wanted: bytes
) -> None:
    """For whoever looks and for whoever sends."""
    mark = target.relay.count
    fields = [(b"Origin", target.origin)]
    replies = [
        target.say(target.request(wanted, method=method, fields=fields))
        for method in (b"GET", b"POST")
    ]

    assert [reply.status for reply in replies] == [404, 404]
    assert all(reply.reference for reply in replies)
    assert target.let_through(mark) == []


def test_programs_cannot_tell_them_apart_either(target: Target) -> None:
    replies = [
        target.say(target.request(one, accept=b"application/json"))
        for one in (*UNKNOWN, *NOT_OFFERED)
    ]

    assert {reply.status for reply in replies} == {404}
    assert len({without_reference(reply) for reply in replies}) == 1


def test_both_take_about_as_long(target: Target) -> None:
    """The same work stands behind both: a decision, an entry, a page."""
    raw = {one: target.request(one) for one in (UNKNOWN[0], NOT_OFFERED[0])}
    times: dict[bytes, list[float]] = {one: [] for one in raw}
    for _ in range(60):
        for one, request in raw.items():
            began = perf_counter()
            target.say(request)
            times[one].append(perf_counter() - began)
    unknown, not_offered = (median(taken) for taken in times.values())

    assert 0.5 < unknown / not_offered < 2


def test_both_are_on_the_record_with_their_difference(target: Target) -> None:
    """The auditor is told what the person is not."""
    replies = {one: target.say(target.request(one)) for one in (UNKNOWN[0], NOT_OFFERED[0])}
    rows = target.rows(reply.reference or "" for reply in replies.values())
    codes = {
        one: rows[reply.reference or ""].clear.get("code") or rows[reply.reference or ""].clear
        for one, reply in replies.items()
    }

    assert codes[UNKNOWN[0]] != codes[NOT_OFFERED[0]]


def test_a_stranger_is_sent_to_sign_in_whatever_the_path(target: Target) -> None:
    """Without a session nothing at all can be learnt of what exists."""
    for wanted in (*UNKNOWN, *NOT_OFFERED, b"/estates/jobs", b"/-/portal", b"/-/audit"):
        reply = target.say(target.request(wanted, username=None))
        assert reply.status == 303
        assert reply.values("location")[0].startswith("/-/sign-in")
        program = target.say(target.request(wanted, username=None, accept=b"application/json"))
        assert program.status == 401
