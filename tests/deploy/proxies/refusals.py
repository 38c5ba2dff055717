"""What every proxy must show of what the gate refuses."""

from __future__ import annotations

from tests.doubles.front_proxies import ProxiedOffice
from tests.gateway.stand import OWN_PAYSLIP, Stand, field_of, status_of

BROWSER = "Host: gate\r\nAccept: text/html\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b"


async def assert_refusals_are_the_gates(gate: Stand, office: ProxiedOffice, signed_in: str) -> None:
    """Ask what is refused, through the proxy.

    Args:
        gate: the gate that is asked.
        office: the back office behind the proxy.
        signed_in: the head of a request of somebody who is signed in.
    """
    # who is not signed in is led there; a program is told; refusals are the gate's own pages
    led = await office.ask(f"GET {OWN_PAYSLIP} HTTP/1.1\r\n{BROWSER}\r\n")
    where = "http://gate/-/sign-in?next=/OA_HTML/OA.jsp%3FOAFunc%3DXX_PAYSLIP"
    assert (status_of(led), field_of(led, "Location")) == (303, where)
    plain = BROWSER.replace("text/html", "application/json")
    assert status_of(await office.ask(f"GET {OWN_PAYSLIP} HTTP/1.1\r\n{plain}\r\n")) == 401
    for path, status in (
        ("/no/such/page", 404),
        ("/OA_HTML/OA.jsp?OAFunc=XX_MSS_TEAM", 403),
        ("/OA_HTML//OA.jsp?OAFunc=XX_PAYSLIP", 400),
        ("/OA_HTML/%2e%2e/OA.jsp", 400),
        ("/x/..;/OA_HTML/OA.jsp", 400),
    ):
        answer = await office.ask(f"GET {path} HTTP/1.1\r\n{signed_in}\r\n")
        assert (path, status_of(answer)) == (path, status)
        assert gate.drafts[-1].reference.encode() in answer
        assert field_of(answer, "Gateway-Reference") == gate.drafts[-1].reference

    # a body that decides is not left to the proxy, nor one where there should be none
    wanted = "/OA_HTML/OA.jsp?OAFunc=XX_PERINFO"
    answer = await office.ask(f"POST {wanted} HTTP/1.1\r\n{signed_in}Origin: http://gate\r\n{FORM}")
    assert (status_of(answer), gate.drafts[-1].code) == (403, "body-unseen")
