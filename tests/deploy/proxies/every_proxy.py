"""What every proxy must show, whatever its configuration is written in."""

from __future__ import annotations

from tests.doubles.front_proxies import ProxiedOffice
from tests.gateway.proxied import CLIENT, asking_fields
from tests.gateway.stand import OWN_PAYSLIP, Stand, field_of, status_of

BROWSER = "Host: gate\r\nAccept: text/html\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b"


async def ask_permitted(gate: Stand, office: ProxiedOffice, signed_in: str) -> bytes:
    """Ask for a page that is permitted; it reaches the back office, which is told who asks.

    Args:
        gate: the gate that is asked.
        office: the back office behind the proxy.
        signed_in: the head of a request of somebody who is signed in.
    """
    answer = await office.ask(f"GET {OWN_PAYSLIP} HTTP/1.1\r\n{signed_in}\r\n")
    head = office.took()
    assert head.startswith(f"GET {OWN_PAYSLIP} HTTP/1.1\r\n".encode())
    assert field_of(head, "Gateway-Assertion").count(".") == 2
    assert field_of(head, "Cookie") == "theme=dark; basket=3"
    assert field_of(head, "X-Request-ID") == gate.drafts[0].reference
    return answer


async def assert_claims_are_overwritten(gate: Stand, office: ProxiedOffice, signed_in: str) -> None:
    """Ask with what a browser says of itself, also where it asks about another page.

    Args:
        gate: the gate that is asked.
        office: the back office behind the proxy; it took one request of this person before.
        signed_in: the head of a request of somebody who is signed in.
    """
    before = field_of(office.took(), "Gateway-Assertion")
    office.heads.clear()
    lies = asking_fields("/style.css", secret="x" * 32) + "Gateway-Assertion: forged\r\n"
    await office.ask(f"GET {OWN_PAYSLIP} HTTP/1.1\r\n{signed_in}{lies}\r\n")
    assert field_of(office.took(), "Gateway-Assertion") == before
    assert gate.drafts[-2].function == "pay.slip"
    assert gate.drafts[-2].ip != CLIENT
    office.heads.clear()
    refused = await office.ask(f"GET /no/such/page HTTP/1.1\r\n{signed_in}{lies}\r\n")
    assert status_of(refused) == 404


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
