"""Parameters in disguise: what names a function or a person has one reading, or goes nowhere."""

from __future__ import annotations

import pytest

from tests.attacks.readings import every_reading_is_allowed
from tests.attacks.target import OWN_PAYSLIP, Target

OTHER = b"40012"
FORM = b"application/x-www-form-urlencoded"
# What is put behind an allowed target, to make some reader see another person or function.
ADDITIONS = tuple(
    shape.replace(b"NAME", name).replace(b"VALUE", value)
    for name, value in ((b"person_id", OTHER), (b"OAFunc", b"XX_PERSEARCH"), (b"page", b"/x"))
    for shape in (
        b"&NAME=VALUE", b"&NAME=40011&NAME=VALUE", b"&NAME=VALUE&NAME=40011", b"&NAME[]=VALUE",
        b"&NAME%5b%5d=VALUE", b"&NAME%00=VALUE", b"&NAME%20=VALUE", b"&+NAME=VALUE",
        b"&NAME+=VALUE",
        b";NAME=VALUE", b"&x=1;NAME=VALUE", b"%26NAME=VALUE", b"&x=1%26NAME=VALUE",
        b"&x=1%26NAME%3DVALUE", b"&x=1%2526NAME=VALUE", b"%3bNAME=VALUE", b"&NAME.x=VALUE",
        b"&%4eAME=VALUE", b"&NAME=%34" + OTHER[1:], b"&NAME=VALUE%00", b"&NAME=0VALUE",
        b"&NAME=VALUE%20", b"&&NAME=VALUE", b"&NAME==VALUE", b"&NAME=", b"&NAME", b"&=NAME=VALUE",
        b"&NAME=%u0034", b"&NAME=VALUE#", b"&NAME=VALUE,40011", b"&NAME[0]=VALUE",
        b"&NAME[x]=VALUE",
    )
)  # fmt: skip
RECASED = tuple(
    b"&" + name + b"=" + value
    for name, value in (
        (b"Person_Id", OTHER), (b"PERSON_ID", OTHER), (b"person%5fid", OTHER),
        (b"%70erson_id", OTHER),
        (b"person%255fid", OTHER), (b"perso\xc5\x84_id", OTHER), (b"person%EF%BC%BFid", OTHER),
        (b"oafunc", b"XX_BANK"), (b"OAFUNC", b"XX_BANK"), (b"%4fAFunc", b"XX_BANK"),
        (b"O%41Func", b"XX_BANK"), (b"OAFun%63", b"XX_BANK"), (b"OAFunc%0a", b"XX_BANK"),
        (b"porMode", b"confirmReceipt"), (b"pormode", b"x"), (b"function_id", b"1040110"),
        (b"Function_ID", b"1040110"), (b"notification_type", b"APEXP"),
        (b"person%E2%80%8B_id", OTHER),
    )
)  # fmt: skip
BASES = (
    OWN_PAYSLIP,
    b"/OA_HTML/RF.jsp?function_id=1040101",
    b"/OA_HTML/OA.jsp?OAFunc=ICX_POR_LAUNCH_IP",
    b"/estates/jobs?state=open",
)
VALUES = (
    b"", b"xx_payslip", b"XX_PAYSLIP%00", b"XX_PAYSLIP%20", b"XX_PAYSLIP+", b"%58X_PAYSLIP",
    b"XX_PAYSLIP,XX_BANK", b"XX_PAYSLIP;XX_BANK", b"XX_PAYSLIP%26x", b"XX_PAYSLIP%0d%0a", b"XX_*",
    b"XX_PAYSLIP/../XX_BANK", b"NOBODY_KNOWS", b"MAINMENUREST", b"XX_PAYSLIP%E2%80%8B",
)  # fmt: skip


@pytest.mark.parametrize("base", BASES)
def test_a_disguised_parameter_does_not_reach_the_back_office(target: Target, base: bytes) -> None:
    """Refused, or let through in a form in which everybody reads the same."""
    wanted = [base + addition for addition in (*ADDITIONS, *RECASED)]
    mark = target.relay.count
    replies = [(one, target.say(target.request(one))) for one in wanted]
    seen = target.let_through(mark)

    wrong = [
        (one, reply.status)
        for one, reply in replies
        if not every_reading_is_allowed(one) and not (400 <= reply.status < 500 and reply.reference)
    ]
    assert wrong == []
    assert [
        one.target for one in seen if not every_reading_is_allowed(one.target.encode("ascii"))
    ] == []


def test_a_value_that_is_not_exactly_one_of_the_catalogue_is_unknown(target: Target) -> None:
    mark = target.relay.count
    wanted = [b"/OA_HTML/OA.jsp?OAFunc=" + value for value in VALUES]
    wanted += [b"/OA_HTML/OA.jsp", b"/OA_HTML/OA.jsp?"]
    replies = [target.say(target.request(one)) for one in wanted]

    assert {reply.status for reply in replies} <= {400, 404}
    assert all(reply.reference for reply in replies)
    assert target.let_through(mark) == []


FORMS = (
    b"person_id=40012",
    b"kind=x&person_id=40012",
    b"kind=x&Person_ID=40012",
    b"kind=x&person%5Fid=40012",
    b"kind=x%26person_id=40012",
    b"kind=x;person_id=40012",
    b"person_id=40011&person_id=40012",
    b"OAFunc=XX_BANK&kind=x",
    b"oafunc=XX_BANK",
    b"kind=x&page=/oracle/apps/x",
    b"kind=%ff",
    b"kind=\xff",
    b"kind=%zz",
    b"kind=x&person_id[]=40012",
)


@pytest.mark.parametrize("form", FORMS)
def test_a_form_cannot_say_something_else_than_the_address(target: Target, form: bytes) -> None:
    """The body over the query, or the query over the body: nobody knows which one wins there."""
    mark = target.relay.count
    fields = [(b"Origin", target.origin), (b"Content-Type", FORM)]
    reply = target.say(
        target.request(
            b"/OA_HTML/OA.jsp?OAFunc=HR_LOA_SS", method=b"POST", fields=fields, body=form
        )
    )

    assert 400 <= reply.status < 500
    assert reply.reference
    assert target.let_through(mark) == []


@pytest.mark.parametrize(
    "content_type",
    [b"multipart/form-data; boundary=x", b"application/json", b"text/plain", b"", None,
     b"application/x-www-form-urlencoded, text/plain", b"APPLICATION/X-WWW-FORM-URLENCODED ;x"],
)  # fmt: skip
def test_a_form_that_cannot_be_read_is_not_passed_on(
    target: Target, content_type: bytes | None
) -> None:
    """Where the form could name another function it is read, or the request is none."""
    mark = target.relay.count
    fields = [(b"Origin", target.origin)]
    if content_type is not None:
        fields.append((b"Content-Type", content_type))
    reply = target.say(
        target.request(
            b"/OA_HTML/OA.jsp?OAFunc=HR_LOA_SS", method=b"POST", fields=fields,
            body=b"OAFunc=XX_BANK&person_id=40012",
        )
    )  # fmt: skip

    assert 400 <= reply.status < 500
    assert reply.reference
    assert target.let_through(mark) == []


@pytest.mark.parametrize("path", [b"/estates/jobs", b"/stores/orders", b"/ict/tickets"])
@pytest.mark.parametrize("form", FORMS[:7])
def test_no_form_names_another_person(target: Target, path: bytes, form: bytes) -> None:
    """Also where the address alone tells the function, the back office would read a person."""
    mark = target.relay.count
    fields = [(b"Origin", target.origin), (b"Content-Type", FORM)]
    reply = target.say(target.request(path, method=b"POST", fields=fields, body=form))

    assert 400 <= reply.status < 500
    assert reply.reference
    assert target.let_through(mark) == []


def test_an_honest_form_is_stored(target: Target) -> None:
    """The control: refusing every form would pass all of the above."""
    fields = [(b"Origin", target.origin), (b"Content-Type", FORM)]
    mark = target.relay.count
    reply = target.say(
        target.request(
            b"/OA_HTML/OA.jsp?OAFunc=HR_LOA_SS", method=b"POST", fields=fields,
            body=b"kind=Annual+leave&from=2027-01-04&note=caf%C3%A9+%26+more",
        )
    )  # fmt: skip
    (seen,) = target.let_through(mark)

    assert reply.status == 303
    assert bytes(seen.body) == b"kind=Annual+leave&from=2027-01-04&note=caf%C3%A9+%26+more"
