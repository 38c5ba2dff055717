"""The back office answers every function of the catalogue to whom the gateway vouches for."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

import pytest

from deploy.demo.backoffice.application import UNLISTED, UNLISTED_MARK
from deploy.demo.backoffice.report import REPORT_BYTES
from deploy.demo.backoffice.server import BackOfficeServer
from tests.doubles.assertion_signer import Signer
from tests.policies.people import SHARED

# The assertion's algorithm is named as everybody reads it; RFC 9864 has a newer name.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

CATALOGUE = tomllib.loads((SHARED / "catalogue.toml").read_text("utf-8"))["function"]
FUNCTIONS = [function for function in CATALOGUE if function["system"] != "gateway"]
REQUESTS = [
    (function["id"], method, match)
    for function in FUNCTIONS
    for match in function["match"]
    for method in match["methods"]
    if match["path"] not in {"/forms/lservlet", "/ict/tickets/{ticket}/events"}
    if method != "WEBSOCKET"
]


class Answered:
    """An answer of the back office."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status = answer.status
        self.headers = {name.lower(): value for name, value in answer.getheaders()}
        self.body = answer.read()

    @property
    def text(self) -> str:
        return self.body.decode()


class Caller:
    """Somebody who asks with an assertion, over one connection."""

    def __init__(self, server: BackOfficeServer, signer: Signer) -> None:
        self.signer = signer
        self.connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)

    def ask(self, method: str, target: str, body: bytes | None = None, **headers: str) -> Answered:
        named = {"Accept": "text/html", "Gateway-Assertion": self.signer.assertion()}
        named.update({name.replace("_", "-"): value for name, value in headers.items()})
        self.connection.request(method, target, body=body, headers=named)
        return Answered(self.connection.getresponse())


@pytest.fixture
def caller(back_office: BackOfficeServer, signer: Signer) -> Iterator[Caller]:
    signer.now = 1_795_000_000.0
    caller = Caller(back_office, signer)
    yield caller
    caller.connection.close()


def target_of(match: Mapping[str, object]) -> str:
    path = re.sub(r"\{\w+\}", "R-1", str(match["path"])).replace("*", "anything")
    query = match.get("query")
    assert query is None or isinstance(query, dict)
    return path + (f"?{urlencode(query)}" if query else "")


def test_the_catalogue_has_sixty_functions() -> None:
    """The check below must not pass because it was given nothing."""
    assert len(FUNCTIONS) == 60


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda one: one["id"])
def test_every_tile_opens_a_page_that_knows_who_is_asking(
    caller: Caller, function: Mapping[str, object]
) -> None:
    answered = caller.ask("GET", str(function["entry"]))
    if function.get("transaction"):
        assert answered.status == 302
        answered = caller.ask("GET", answered.headers["location"])

    assert answered.status == 200
    assert answered.headers["content-type"].startswith("text/html")
    assert f'data-function="{function["id"]}"' in answered.text
    assert 'data-asker="40011"' in answered.text
    assert answered.headers["x-asker"] == "40011"


@pytest.mark.parametrize(("function", "method", "match"), REQUESTS, ids=str)
def test_every_request_of_the_catalogue_is_understood(
    caller: Caller, function: str, method: str, match: Mapping[str, object]
) -> None:
    """Each URL of the catalogue means the same function to the back office."""
    body = None if method in {"GET", "DELETE"} else b'{"note": "x"}'
    json_type = {"Content_Type": "application/json"} if body else {}
    answered = caller.ask(method, target_of(match), body, Accept="application/json", **json_type)
    told = json.loads(answered.body) if "json" in answered.headers["content-type"] else {}

    assert answered.status in ({200, 404} if method == "DELETE" else {200, 201})
    if "function" in told:
        assert told["function"] == function
        assert told["asker"] == "40011"


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda one: one["id"])
def test_nobody_is_answered_without_an_assertion(
    caller: Caller, function: Mapping[str, object]
) -> None:
    for assertion in ("", "forged", caller.signer.assertion(aud="elsewhere")):
        answered = caller.ask("GET", str(function["entry"]), Gateway_Assertion=assertion)

        assert answered.status == 401
        assert b"40011" not in answered.body


def test_the_menu_is_the_whole_menu_whoever_asks(caller: Caller) -> None:
    """That nobody is shown what they may not open is what the gateway sees to."""
    told = caller.ask("GET", "/OA_HTML/RF.jsp?function_id=MAINMENUREST")
    page = caller.ask("GET", "/OA_HTML/OA.jsp?OAFunc=OANEWHOMEPAGE")
    areas = json.loads(told.body)["menu"]

    assert sum(len(area["children"]) for area in areas) == 60
    listed = [item for area in areas for item in area["children"]]
    assert {"label": "My payslip", "functionId": "1040101"} in listed
    assert page.text.count("<li><a href=") == 60


def test_a_record_that_should_not_be_there_says_how_it_is_marked(caller: Caller) -> None:
    marked = caller.ask("GET", "/estates/jobs/EST-90001")

    assert (marked.status, marked.headers["classification"]) == (200, "OFFICIAL-SENSITIVE")
    assert "EST-90001" in marked.text
    assert "classification" not in caller.ask("GET", "/estates/jobs").headers


def test_headers_that_name_a_person_are_not_believed(caller: Caller) -> None:
    answered = caller.ask(
        "GET", "/fleet/jobs", Gateway_Assertion="", USER_NAME="firefighter", X_Remote_User="40011"
    )

    assert answered.status == 401


def test_what_is_sent_is_stored_and_shown_to_its_sender_alone(caller: Caller) -> None:
    form = urlencode({"kind": "Annual leave", "first_day": "2027-02-03", "days": "2"}).encode()
    sent = caller.ask(
        "POST",
        "/OA_HTML/OA.jsp?OAFunc=HR_LOA_SS",
        form,
        Content_Type="application/x-www-form-urlencoded",
    )
    shown = caller.ask("GET", sent.headers["location"])
    other = caller.signer.assertion(employee_number="41003", sub="cheshire-fire/other")
    to_another = caller.ask("GET", "/OA_HTML/OA.jsp?OAFunc=HR_LOA_SS", Gateway_Assertion=other)

    assert sent.status == 303
    assert "2027-02-03" in shown.text
    assert "2027-02-03" not in to_another.text


def test_a_stored_booking_can_be_removed(caller: Caller) -> None:
    sent = caller.ask(
        "POST",
        "/fleet/bookings",
        b'{"vehicle": "Minibus"}',
        Content_Type="application/json",
        Accept="application/json",
    )
    reference = json.loads(sent.body)["reference"]
    removed = caller.ask("DELETE", f"/fleet/bookings/{reference}", Accept="application/json")
    again = caller.ask("DELETE", f"/fleet/bookings/{reference}", Accept="application/json")

    assert (removed.status, again.status) == (200, 404)


def test_person_id_names_another_persons_record(caller: Caller) -> None:
    """The back office shows what it is asked for: keeping it shut is the gateway's task."""
    answered = caller.ask("GET", "/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP&person_id=40012")

    assert 'data-record="40012"' in answered.text
    assert "Morgan Tetlow" in answered.text


def test_a_row_leads_to_its_detail(caller: Caller) -> None:
    listed = caller.ask("GET", "/fleet/defects")
    item = re.search(r"item=(DEF-\d+)", listed.text)
    assert item is not None
    detail = caller.ask("GET", f"/fleet/defects?item={item[1]}")

    assert f"<h2>{item[1]}</h2>" in detail.text
    assert caller.ask("GET", "/fleet/defects/DEF-1").status == 404


def test_a_manager_sees_the_team_in_json(caller: Caller) -> None:
    manager = caller.signer.assertion(employee_number="40012", sub="cheshire-fire/wm")
    answered = caller.ask(
        "GET",
        "/webservices/rest/mss_leave/team",
        Accept="application/json",
        Gateway_Assertion=manager,
    )
    team = json.loads(answered.body)["rows"]

    assert len(team) == 6
    assert "Robin Ashdown" in {row["Name"] for row in team}


def test_a_report_of_20_mb_is_the_same_each_time_and_each_persons_own(caller: Caller) -> None:
    target = "/catalogue/frameworks/current/download"
    first, second = (caller.ask("GET", target) for _ in range(2))
    other = caller.signer.assertion(employee_number="40012", sub="cheshire-fire/wm")
    anothers = caller.ask("GET", target, Gateway_Assertion=other)

    assert len(first.body) == REPORT_BYTES
    assert first.body == second.body
    assert b"made for 40011" in first.body[:100]
    assert anothers.body != first.body


def test_a_head_request_has_the_length_and_no_body(caller: Caller) -> None:
    answered = caller.ask("HEAD", "/catalogue/frameworks/current/download")

    assert answered.headers["content-length"] == str(REPORT_BYTES)
    assert answered.body == b""


def test_an_upload_is_hashed(caller: Caller) -> None:
    content = bytes(range(256)) * 4096
    answered = caller.ask(
        "POST",
        "/ict/tickets/ICT-1/attachments",
        content,
        Content_Type="application/octet-stream",
        Accept="application/json",
    )
    (file,) = json.loads(answered.body)["files"]

    assert file["size"] == len(content)
    assert file["sha256"] == hashlib.sha256(content).hexdigest()


def test_a_form_with_a_file_is_taken_apart(caller: Caller) -> None:
    content = b"\r\n--A not the boundary\r\n" + bytes(100_000)
    body = (
        b'--B\r\nContent-Disposition: form-data; name="fault"\r\n\r\na leak\r\n'
        b'--B\r\nContent-Disposition: form-data; name="file"; filename="roof.jpg"\r\n\r\n'
        + content
        + b"\r\n--B--\r\n"
    )
    sent = caller.ask("POST", "/estates/jobs", body, Content_Type="multipart/form-data; boundary=B")
    shown = caller.ask("GET", sent.headers["location"])

    assert "a leak" in shown.text
    assert hashlib.sha256(content).hexdigest() in shown.text


def test_events_come_with_the_askers_number(caller: Caller) -> None:
    answered = caller.ask(
        "GET", "/ict/tickets/ICT-1/events?events=3&every_ms=10", Accept="text/event-stream"
    )
    data = [line for line in answered.text.splitlines() if line.startswith("data: ")]

    assert answered.headers["content-type"] == "text/event-stream"
    assert len(data) == 3
    assert all(json.loads(line[6:])["asker"] == "40011" for line in data)


def test_it_keeps_a_session_of_its_own(caller: Caller) -> None:
    first = caller.ask("GET", "/stores/orders")
    cookie = first.headers["set-cookie"].partition(";")[0]
    second = caller.ask("GET", "/stores/orders", Cookie=cookie)
    # The gateway signs out for somebody who has gone already: without an assertion.
    out = caller.ask("GET", "/OA_HTML/AppsLogout", Cookie=cookie, Gateway_Assertion="")
    assert out.status == 204
    third = caller.ask("GET", "/stores/orders", Cookie=cookie)

    assert "Page 2 of this session" in second.text
    assert "set-cookie" not in second.headers
    assert "set-cookie" in third.headers


@pytest.mark.parametrize("path", sorted(UNLISTED))
def test_pages_on_no_list_exist(caller: Caller, path: str) -> None:
    """They must be reachable here, or an attack test that fails to reach them proves nothing."""
    answered = caller.ask("GET", path, Gateway_Assertion="")

    assert answered.status == 200
    assert UNLISTED_MARK in answered.text


def test_an_unknown_function_number_gives_the_whole_menu(caller: Caller) -> None:
    answered = caller.ask("GET", "/OA_HTML/RF.jsp?function_id=9999999")

    assert UNLISTED_MARK in answered.text


def test_names_are_escaped(caller: Caller) -> None:
    odd = caller.signer.assertion(name="<script>alert(1)</script>", employee_number="1")
    answered = caller.ask("GET", "/stores/orders", Gateway_Assertion=odd)

    assert "<script>alert" not in answered.text


def test_what_arrived_is_noted(caller: Caller, back_office: BackOfficeServer) -> None:
    caller.ask("GET", "/stores/orders?noted=yes")
    file = back_office._noted.name

    with open(file, encoding="utf-8") as noted:  # noqa: PTH123
        assert "GET /stores/orders?noted=yes 200 40011\n" in noted.readlines()
