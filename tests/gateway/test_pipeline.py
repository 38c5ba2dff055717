"""The one way through the gate: every row of what a caller meets, and what is written of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from gateway.audit.entry import Outcome, Phase
from gateway.backoffice.transport import ExchangeError
from gateway.bulletin import person_subject
from gateway.identity.sessions.presence import Presence, PresenceLimit
from gateway.pace import Pace, SourcePaces
from gateway.store.engine import writing
from gateway.wire.answers import document, give
from policies.criteria.zone import FromZones
from policies.engine import Engine
from tests.doubles.faulty_disk import FaultyDisk
from tests.doubles.record import SMALL
from tests.gateway.identity.parts import AT
from tests.gateway.stand import (
    COOKIE,
    OWN_PAYSLIP,
    SAME,
    Done,
    Opened,
    Stand,
    field_of,
    status_of,
)

if TYPE_CHECKING:
    from gateway.acts import ActResult
    from gateway.visit import Visit
    from gateway.wire.answers import Answer

LEAVE = "/OA_HTML/OA.jsp?OAFunc=HR_LOA_SS"
BOOKINGS = "/fleet/bookings"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
STRANGE_TOKEN = "A" * 43
QUICK = replace(SMALL, wait_seconds=0.4)


# ---- what is permitted --------------------------------------------------------------------------


async def test_what_is_permitted_is_done_recorded_and_closed(opened: Opened) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        answer = await gate.ask(token=token)

        assert answer.endswith(b"done")
        decision, result = gate.drafts
        assert (decision.outcome, decision.function, decision.phase) == (
            Outcome.PERMIT,
            "pay.slip",
            Phase.DECISION,
        )
        assert (decision.subject, decision.vetting) == ("cheshire-fire/40011", "DBSB")
        assert decision.target == "/OA_HTML/OA.jsp?OAFunc"
        assert decision.actor_name == "alice@cheshire-fire"
        assert (result.phase, result.corr, result.status, result.code) == (
            Phase.RESULT,
            decision.id,
            200,
            "",
        )
        assert result.bytes_out == len(answer)
        assert result.reference == gate.act.visits[0].reference
        (granted,) = gate.act.grants
        assert granted is not None
        assert granted.entry is decision

    assert gate.record.drain() >= 2
    (row,) = gate.record.search(reference=decision.reference).rows
    assert row.result is not None
    assert (row.outcome, row.result.clear["status"]) == (Outcome.PERMIT, 200)


async def test_what_was_done_to_an_answer_is_said_where_the_visit_ends(opened: Opened) -> None:
    """Such an end has an entry of its own: those that share one have no room for it."""

    def does(visit: Visit) -> Done:
        visit.done = ("masked:bank-details.sort_code",)
        return Done()

    async with opened() as gate:
        token = gate.firefighter()
        gate.act.does = does
        await gate.ask(token=token)

        decision, result = gate.drafts
        assert (result.outcome, result.corr, result.status) == (Outcome.PERMIT, decision.id, 200)
        assert result.obligations == ("masked:bank-details.sort_code",)

    assert gate.record.drain() >= 2
    (row,) = gate.record.search(reference=decision.reference).rows
    assert row.result is not None
    assert row.result.clear["obligations"] == ["masked:bank-details.sort_code"]


async def test_the_act_begins_only_when_the_decision_is_durable(opened: Opened) -> None:
    """A back office that was asked without an entry could never be asked why."""
    disk = FaultyDisk()
    async with opened(disk=disk) as gate:
        token = gate.firefighter()
        disk.released.clear()
        asking = asyncio.ensure_future(gate.ask(token=token))
        await asyncio.sleep(0.2)
        before = list(gate.act.visits)
        disk.released.set()

        assert status_of(await asking) == 200
        assert before == []


async def test_a_session_is_found_in_memory_the_second_time(opened: Opened) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        await gate.ask(token=token)
        with writing(gate.parts.store) as connection:
            connection.execute(text("ALTER TABLE session RENAME TO gone"))

        assert status_of(await gate.ask(token=token)) == 200


async def test_what_was_sent_and_received_is_counted(opened: Opened) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        body = "OAFunc2=1&x=2"
        answer = await gate.ask(LEAVE, token=token, method="POST", more=SAME + FORM, body=body)

        assert status_of(answer) == 200
        assert gate.drafts[-1].bytes_in == len(body)
        assert gate.drafts[-1].bytes_out == len(answer)
        assert gate.drafts[0].op != "consultation"


# ---- nobody's -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/", "/-/sign-in"),
        ("/-/portal", "/-/sign-in"),
        (OWN_PAYSLIP, "/-/sign-in?next=/OA_HTML/OA.jsp%3FOAFunc%3DXX_PAYSLIP"),
        ("/nothing/here", "/-/sign-in?next=/nothing/here"),
    ],
)
async def test_without_a_session_a_page_leads_to_sign_in_and_back(
    opened: Opened, path: str, location: str
) -> None:
    async with opened() as gate:
        answer = await gate.ask(path)

        assert (status_of(answer), field_of(answer, "Location")) == (303, location)
        (refusal,) = gate.drafts
        assert (refusal.code, refusal.outcome, refusal.staff_id) == (
            "no-session",
            Outcome.DENY,
            "",
        )
        assert gate.engine.asked == []


@pytest.mark.parametrize(
    ("method", "accept", "status"),
    [
        ("HEAD", "text/html", 303),
        ("GET", "application/json", 401),
        ("GET", "*/*", 401),
        ("POST", "text/html", 401),
        ("OPTIONS", "text/html", 401),
    ],
)
async def test_without_a_session_anything_else_is_401(
    opened: Opened, method: str, accept: str, status: int
) -> None:
    async with opened() as gate:
        answer = await gate.ask(method=method, accept=accept, more=SAME)

        assert status_of(answer) == status
        assert gate.act.visits == []


@pytest.mark.parametrize("token", [STRANGE_TOKEN, "short", "\xe9" * 43])
async def test_a_token_nobody_has_is_no_session(opened: Opened, token: str) -> None:
    async with opened() as gate:
        client = await gate.client()
        cookie = f"Cookie: other=1; {COOKIE}={token}\r\n".encode("latin-1")
        await client.say(
            b"GET / HTTP/1.1\r\nHost: gate\r\nAccept: text/html\r\n" + cookie + b"\r\n"
        )

        assert status_of(await client.answer()) in {303, 400}
        assert gate.act.visits == []


async def test_after_sign_out_the_next_request_is_nobodys(opened: Opened) -> None:
    async with opened() as gate:
        gate.hold("DBSB")
        token, session = gate.parts.sign_in()
        first = await gate.ask(token=token)
        gate.parts.sessions.end(session.hash, at=AT)
        second = await gate.ask(token=token)

        assert (status_of(first), status_of(second)) == (200, 303)
        assert len(gate.act.visits) == 1


async def test_a_session_that_ends_while_its_form_is_on_the_way_permits_nothing(
    opened: Opened,
) -> None:
    """A form may be held back for minutes, to be sent when the session is long over."""
    async with opened() as gate:
        gate.hold("DBSB")
        token, session = gate.parts.sign_in()
        client = await gate.client()
        head = f"POST {LEAVE} HTTP/1.1\r\nHost: gate\r\nCookie: {COOKIE}={token}\r\n{SAME}{FORM}"
        await client.say(f"{head}Content-Length: 3\r\n\r\n".encode())
        await asyncio.sleep(0.1)
        gate.parts.sessions.end(session.hash, at=AT)
        await client.say(b"a=b")

        assert status_of(await client.answer()) == 401
        assert gate.act.visits == []


# ---- malformed ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/a/%2e%2e/b", "path-disguised"),
        ("/a//b", "path-empty-segment"),
        ("/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP&OAFunc=XX_PAYADJ", "parameter-repeated"),
    ],
)
async def test_a_target_with_two_readings_is_400_before_anybody_asks(
    opened: Opened, path: str, code: str
) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        answer = await gate.ask(path, token=token)

        assert status_of(answer) == 400
        assert re.search(rb'data-reference="[0-9A-HJKMNP-TV-Z]{10}"', answer)
        (refusal,) = gate.drafts
        assert (refusal.code, refusal.status) == (code, 400)
        assert refusal.actor_name == "alice@cheshire-fire"
        assert gate.engine.asked == []


async def test_our_cookie_twice_is_400(opened: Opened) -> None:
    """A neighbouring page may have planted one; which of them counts must not be guessed."""
    async with opened() as gate:
        token = gate.firefighter()
        answer = await gate.ask(more=f"Cookie: {COOKIE}={STRANGE_TOKEN}; {COOKIE}={token}\r\n")

        assert status_of(answer) == 400
        assert gate.drafts[0].code == "cookie-repeated"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("OAFunc=XX_PAYADJ&OAFunc=XX_BANK", 400, "parameter-repeated"),
        ("a=" + "x" * 300_000, 413, "form-too-large"),
    ],
)
async def test_a_form_that_cannot_be_read_is_refused(
    opened: Opened, body: str, status: int, code: str
) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        answer = await gate.ask(LEAVE, token=token, method="POST", more=SAME + FORM, body=body)

        assert status_of(answer) == status
        assert gate.drafts[0].code == code
        assert gate.act.visits == []


@pytest.mark.parametrize(
    ("method", "path", "kind", "status", "code"),
    [
        ("POST", LEAVE, "application/json", 415, "body-undeclared"),
        ("POST", LEAVE, "text/plain, application/json", 415, "body-type"),
        ("POST", "/estates/jobs", "application/octet-stream", 415, "body-undeclared"),
        ("DELETE", "/fleet/bookings/7", "application/json", 415, "body-undeclared"),
        ("GET", OWN_PAYSLIP, "application/json", 400, "body-unexpected"),
        ("GET", "/style.css", "application/json", 400, "body-unexpected"),
        ("OPTIONS", "/no/such/thing", "application/json", 400, "body-unexpected"),
    ],
)
async def test_a_kind_of_body_that_is_not_declared_is_refused(
    opened: Opened, method: str, path: str, kind: str, status: int, code: str
) -> None:
    """The back office would read from it what nobody decided about."""
    async with opened() as gate:
        token = gate.firefighter()
        more = f"{SAME}Content-Type: {kind}\r\n"
        body = '{"person_id": "40012"}'
        answer = await gate.ask(path, token=token, method=method, more=more, body=body)

        assert status_of(answer) == status
        assert re.search(rb'data-reference="[0-9A-HJKMNP-TV-Z]{10}"', answer)
        assert [draft.code for draft in gate.drafts] == [code]
        assert gate.act.visits == []


async def test_an_undeclared_body_tells_nobody_which_functions_there_are(opened: Opened) -> None:
    """Who may not open the function gets the answer that everybody gets."""
    async with opened() as gate:
        token = gate.firefighter()
        more = f"{SAME}Content-Type: application/json\r\n"
        not_offered, unknown = [
            await gate.ask(path, token=token, method="POST", more=more, body="{}")
            for path in ("/admin/users", UNKNOWN)
        ]

        assert status_of(not_offered) == status_of(unknown) == 404
        assert len(not_offered) == len(unknown)


TEAM = "/webservices/rest/mss_leave/team"
UPLOAD_HEAD = b'--B\r\nContent-Disposition: form-data; name="%b"\r\n\r\nx\r\n'


@pytest.mark.parametrize(
    ("query", "kind", "body", "expected"),
    [
        ("?person_id=40012", "", "", "person"),
        ("", "application/x-www-form-urlencoded", "person_id=40012", "person"),
        ("", "application/json", '{"person_id": "40012"}', "person"),
        ("", "application/json", '{"person_id": 40012, "from": "2027-01-04"}', "person"),
        ("?person_id=40011", "application/json", '{"person_id": "40012"}', "unknown"),
        ("?person_id=40012", "application/json", '{"person_id": "40012"}', "unknown"),
        ("?person_id=40011", "application/x-www-form-urlencoded", "person_id=40012", "unknown"),
        ("", "application/json", '{"leave": {"person_id": "40012"}}', "unknown"),
        ("", "application/json", '[{"person_id": "40012"}]', "unknown"),
    ],
)
async def test_the_person_is_read_from_every_place_that_is_declared(
    opened: Opened, query: str, kind: str, body: str, expected: str
) -> None:
    """From one of them: two could disagree at the back office, even if they agree here."""
    async with opened() as gate:
        token = gate.firefighter()
        more = SAME + (f"Content-Type: {kind}\r\n" if kind else "")
        answer = await gate.ask(TEAM + query, token=token, method="POST", more=more, body=body)
        decision = gate.drafts[0]

        assert status_of(answer) in ({200, 403} if expected == "person" else {404})
        assert decision.function == ("hr.team.basic" if expected == "person" else "")
        assert decision.subject.endswith("/40012") is (expected == "person")


@pytest.mark.parametrize("kind", ["query", "form", "json"])
@pytest.mark.parametrize(("number", "status"), [("40011", 200), ("40012", 403)])
async def test_ones_own_record_is_ones_own_wherever_the_number_stands(
    opened: Opened, kind: str, number: str, status: int
) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        path = BOOKINGS + (f"?person_id={number}" if kind == "query" else "")
        media = {"form": "x-www-form-urlencoded", "json": "json"}.get(kind, "")
        more = SAME + (f"Content-Type: application/{media}\r\n" if media else "")
        body = {"form": f"person_id={number}", "json": f'{{"person_id": {number}}}'}.get(kind, "")
        answer = await gate.ask(path, token=token, method="POST", more=more, body=body)

        assert status_of(answer) == status
        assert gate.drafts[0].function == "fleet.book"


async def test_an_upload_is_cut_where_it_names_a_person(opened: Opened) -> None:
    """Before anybody acts where it is here, and later where it comes later."""
    async with opened() as gate:
        token = gate.firefighter()
        kind = SAME + "Content-Type: multipart/form-data; boundary=B\r\n"
        honest = (UPLOAD_HEAD % b"place").decode() + "--B--\r\n"
        hostile = (UPLOAD_HEAD % b"person_id").decode() + "--B--\r\n"
        passed, cut = [
            await gate.ask("/estates/jobs", token=token, method="POST", more=kind, body=body)
            for body in (honest, hostile)
        ]

        assert (status_of(passed), status_of(cut)) == (200, 400)
        assert len(gate.act.visits) == 1
        assert gate.drafts[-1].code == "parameter-disguised"


async def test_a_form_that_stops_coming_is_408_and_recorded_as_such(opened: Opened) -> None:
    async with opened(idle_seconds=0.1) as gate:
        token = gate.firefighter()
        client = await gate.client()
        head = f"POST {LEAVE} HTTP/1.1\r\nHost: gate\r\nCookie: {COOKIE}={token}\r\n{SAME}{FORM}"
        await client.say(f"{head}Content-Length: 9\r\n\r\na=".encode())

        assert status_of(await client.answer()) == 408
        assert gate.drafts[0].code == "body-timeout"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ("", "origin-missing"),
        ("Origin: http://evil.example\r\n", "origin-foreign"),
        ("Origin: null\r\n", "origin-foreign"),
        ("Sec-Fetch-Site: cross-site\r\n", "origin-foreign"),
        ("Sec-Fetch-Site: none\r\n", "origin-foreign"),
        ("Origin: http://gate\r\nSec-Fetch-Site: cross-site\r\n", "origin-foreign"),
    ],
)
async def test_what_another_sites_page_may_have_caused_is_403(
    opened: Opened, fields: str, code: str
) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        answer = await gate.ask(LEAVE, token=token, method="POST", more=fields)

        assert status_of(answer) == 403
        assert gate.drafts[0].code == code
        assert gate.act.visits == []


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ("Origin: http://gate\r\n", 404, "function-unknown"),
        ("", 403, "origin-missing"),
        ("Sec-Fetch-Site: same-origin\r\n", 403, "origin-missing"),
        ("Origin: http://evil.example\r\n", 403, "origin-foreign"),
        ("Origin: null\r\n", 403, "origin-foreign"),
    ],
)
async def test_an_upgrade_names_our_origin_and_means_only_what_is_declared(
    opened: Opened, fields: str, status: int, code: str
) -> None:
    """The payslip is no WebSocket: to one it is as unknown as anything."""
    more = (
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    )
    async with opened() as gate:
        answer = await gate.ask(token=gate.firefighter(), more=more + fields)

        assert status_of(answer) == status
        assert gate.drafts[0].code == code
        assert gate.act.visits == []


@pytest.mark.parametrize("fields", [SAME, "Sec-Fetch-Site: same-origin\r\n"])
async def test_our_own_pages_may_send_forms(opened: Opened, fields: str) -> None:
    async with opened() as gate:
        token = gate.firefighter()

        assert status_of(await gate.ask(LEAVE, token=token, method="POST", more=fields)) == 200


# ---- what is denied -----------------------------------------------------------------------------

UNKNOWN = "/no/such/thing"
NOT_OFFERED = "/OA_HTML/OA.jsp?OAFunc=XX_PAYADJ"
TOO_HIGH = "/OA_HTML/OA.jsp?OAFunc=XX_MSS_TEAM"


async def test_unknown_and_not_offered_are_one_answer_with_the_same_work(opened: Opened) -> None:
    """Whoever could tell them apart could map the back office of another organisation."""
    async with opened() as gate:
        gate.hold("DBSE", "70150", "nwas")
        token, _ = gate.parts.sign_in("jo", "70150", organisation="nwas")
        answers, asked = [], []
        for path in (UNKNOWN, NOT_OFFERED):
            gate.engine.asked.clear()
            answer = await gate.ask(path, token=token)
            reference = field_of(answer, "Gateway-Reference").encode()
            halves = (reference[:5], reference[5:])
            for part in (reference, *halves):
                answer = answer.replace(part, b"x" * len(part))
            answers.append(answer)
            asked.append(list(gate.engine.asked))

        assert status_of(answers[0]) == 404
        assert answers[0] == answers[1]
        assert asked[0] == asked[1] == ["decide", "reasons"]
        assert [draft.code for draft in gate.drafts] == ["function-unknown", "no-agreement"]
        assert [draft.outcome for draft in gate.drafts] == [Outcome.DENY] * 2
        assert gate.act.visits == []


async def test_what_is_offered_but_asks_for_more_is_403_with_the_reason(opened: Opened) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        answer = await gate.ask(TOO_HIGH, token=token)

        assert status_of(answer) == 403
        (denial,) = gate.drafts
        assert (denial.function, denial.outcome, denial.phase) == (
            "hr.team",
            Outcome.DENY,
            Phase.DECISION,
        )
        assert denial.code == "clearance-too-low"
        assert b"This needs vetting that you do not hold." in answer
        assert gate.act.visits == []


BANK = "/OA_HTML/OA.jsp?OAFunc=XX_BANK"


async def test_what_needs_a_second_proof_leads_a_browser_to_it(opened: Opened) -> None:
    """And tells a program; in either case the denial is on the record."""
    async with opened() as gate:
        token = gate.firefighter()
        led = await gate.ask(BANK, token=token)
        told = await gate.ask(BANK, token=token, accept="application/json")
        fetched = await gate.ask(BANK, token=token, more="Sec-Fetch-Mode: cors\r\n")

        assert status_of(led) == 303
        assert field_of(led, "Location") == "/-/step-up?next=/OA_HTML/OA.jsp%3FOAFunc%3DXX_BANK"
        assert (status_of(told), status_of(fetched)) == (403, 403)
        assert b"a second proof of who you are" in told
        assert [draft.obligations for draft in gate.drafts] == [("step-up",)] * 3
        assert gate.act.visits == []


async def test_a_second_factor_opens_it_until_it_is_too_old(opened: Opened) -> None:
    async with opened() as gate:
        gate.firefighter()
        _, session = gate.parts.sign_in()
        with writing(gate.parts.store) as connection:
            token, _ = gate.parts.sessions.strengthen(
                connection, session.hash, factors=frozenset({"second-factor"}), at=AT
            )
        gate.parts.bulletin.ring()
        assert status_of(await gate.ask(BANK, token=token)) == 200
        gate.at_us += 15 * 60_000_000 - 1
        assert status_of(await gate.ask(BANK, token=token)) == 200
        gate.at_us += 1
        assert status_of(await gate.ask(BANK, token=token)) == 303
        assert status_of(await gate.ask(token=token)) == 200  # what asks for none stays open


@pytest.mark.parametrize("number", ["40012", "40011"])
async def test_another_persons_record_is_refused_and_recorded_as_theirs(
    opened: Opened, number: str
) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        gate.hold("DBSB", "40012")
        path = f"{OWN_PAYSLIP}&person_id={number}"
        statuses = {status_of(await gate.ask(path, token=token)) for _ in range(2)}

        assert statuses == {200 if number == "40011" else 403}
        assert gate.drafts[0].subject == f"cheshire-fire/{number}"


async def test_a_number_that_nobody_has_is_recorded_as_unknown(opened: Opened) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        answer = await gate.ask(f"{OWN_PAYSLIP}&person_id=99999", token=token)

        assert status_of(answer) == 403
        assert gate.drafts[0].subject == "?/99999"


async def test_a_change_of_the_register_holds_at_the_next_request(opened: Opened) -> None:
    async with opened() as gate:
        token, _ = gate.parts.sign_in()
        before = await gate.ask(token=token)
        gate.hold("DBSB")
        with writing(gate.parts.store) as connection:
            gate.parts.bulletin.announce(connection, person_subject("cheshire-fire/40011"), AT)
        gate.parts.bulletin.ring()
        after = await gate.ask(token=token)

        assert (status_of(before), status_of(after)) == (403, 200)


async def test_a_program_is_refused_in_json(opened: Opened) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        denied = await gate.ask(TOO_HIGH, token=token, accept="application/json")
        unknown = await gate.ask(UNKNOWN, token=token, accept="application/json")

        assert b'"reasons":[{' in denied
        assert b"reasons" not in unknown
        assert field_of(unknown, "Content-Type") == "application/json"


# ---- what cannot be done ------------------------------------------------------------------------


@pytest.mark.parametrize("path", [OWN_PAYSLIP, UNKNOWN, NOT_OFFERED, TOO_HIGH, "/style.css"])
async def test_what_cannot_be_recorded_is_503_and_nothing_is_sent_on(
    opened: Opened, path: str
) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        gate.recorder.close()
        answers = [await gate.ask(path, token=token) for _ in range(2)]

        assert [status_of(answer) for answer in answers] == [503, 503]
        assert b"data-reference" in answers[0]
        assert gate.act.visits == []


async def test_a_disk_that_does_not_answer_is_503_in_time(opened: Opened) -> None:
    disk = FaultyDisk()
    async with opened(disk=disk, limits=QUICK) as gate:
        token = gate.firefighter()
        await gate.ask(token=token)
        disk.released.clear()
        answer = await asyncio.wait_for(gate.ask(token=token), 2)
        disk.released.set()

        assert status_of(answer) == 503
        assert len(gate.act.visits) == 1
        # The permit may reach the disk yet; what follows it says that nothing came of it.
        permit, closed = gate.recorder.drafts[-2:]
        assert closed.corr == permit.id
        assert (closed.outcome, closed.status) == (Outcome.ERROR, 503)


async def test_a_resource_is_served_again_once_it_can_be_recorded(opened: Opened) -> None:
    disk = FaultyDisk()
    async with opened(disk=disk, limits=QUICK) as gate:
        token = gate.firefighter()
        await gate.ask(token=token)
        disk.released.clear()
        refused = await gate.ask("/style.css", token=token)
        disk.released.set()
        served = await gate.ask("/style.css", token=token)

        assert (status_of(refused), status_of(served)) == (503, 200)
        assert len(gate.act.visits) == 2


async def test_a_worker_that_has_fallen_behind_reads_and_goes_on(opened: Opened) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        gate.parts.bulletin.ring()

        assert status_of(await gate.ask(token=token)) == 200


@pytest.mark.parametrize(
    ("named", "status", "zone"),
    [("loopback", 200, "loopback"), ("internet", 403, "loopback"), ("elsewhere", 403, None)],
)
async def test_a_rule_may_ask_where_the_client_is_and_what_is_not_known_permits_nothing(
    opened: Opened, named: str, status: int, zone: str | None
) -> None:
    """The client is 127.0.0.1, which the settings of the stand call `loopback`."""
    async with opened() as gate:
        token = gate.firefighter()
        shipped = gate.engine.policy_set
        criterion = FromZones(frozenset({named}))
        rules = tuple(replace(each, when=(*each.when, criterion)) for each in shipped.rules)
        gate.engine.put(Engine.compile(replace(shipped, rules=rules)))

        assert status_of(await gate.ask(token=token)) == status
        assert gate.engine.questions[-1].zone == zone


async def test_without_such_a_rule_no_zone_is_looked_up(opened: Opened) -> None:
    async with opened() as gate:
        await gate.ask(token=gate.firefighter())

        assert gate.engine.questions[-1].zone is None


async def test_a_question_says_how_long_ago_the_second_factor_was_shown(opened: Opened) -> None:
    async with opened() as gate:
        first = gate.firefighter()
        _, session = gate.parts.sign_in()
        await gate.ask(token=first)
        assert gate.engine.questions[-1].second_factor_age_us is None
        with writing(gate.parts.store) as connection:
            token, _ = gate.parts.sessions.strengthen(
                connection, session.hash, factors=frozenset({"second-factor"}), at=AT
            )
        gate.parts.bulletin.ring()
        gate.at_us += 7_000_000
        await gate.ask(token=token)

        assert gate.engine.questions[-1].second_factor_age_us == 7_000_000


# ---- a pause that is too long for a function ---------------------------------------------------

QUARTER = Presence([PresenceLimit(pause=timedelta(minutes=15))])


def paused(gate: Stand, minutes: int) -> str:
    """Sign somebody in and leave them be for some minutes; gives the token."""
    gate.hold("DBSB")
    token, session = gate.parts.sign_in()
    gate.parts.sessions.note_pause(session.hash, minutes * 60_000_000, at=AT)
    return token


async def test_after_a_long_pause_a_page_asks_for_a_new_sign_in(opened: Opened) -> None:
    async with opened(presence=QUARTER) as gate:
        answer = await gate.ask(token=paused(gate, 16))

        assert status_of(answer) == 303
        where = field_of(answer, "location")
        assert where == "/-/sign-in?next=/OA_HTML/OA.jsp%3FOAFunc%3DXX_PAYSLIP&again=paused"
        assert gate.act.visits == []
        assert [(draft.code, draft.outcome) for draft in gate.drafts] == [("paused", Outcome.DENY)]
        assert gate.drafts[0].staff_id == "cheshire-fire/id-alice"


async def test_after_a_long_pause_nothing_is_sent_on(opened: Opened) -> None:
    async with opened(presence=QUARTER) as gate:
        path = "/OA_HTML/OA.jsp?OAFunc=XX_PERINFO"
        answer = await gate.ask(path, token=paused(gate, 16), method="POST", more=SAME)

        assert status_of(answer) == 401
        assert gate.act.visits == []


async def test_a_short_pause_matters_to_nobody(opened: Opened) -> None:
    async with opened(presence=QUARTER) as gate:
        assert status_of(await gate.ask(token=paused(gate, 15))) == 200


HOUR = Presence([PresenceLimit(age=timedelta(hours=1))])


async def test_a_sign_in_of_too_many_hours_asks_for_a_new_one_however_busy_it_was(
    opened: Opened,
) -> None:
    async with opened(presence=HOUR) as gate:
        gate.hold("DBSB")
        token, session = gate.parts.sign_in()
        for _ in range(4):  # busy all the time
            gate.at_us += 14 * 60_000_000
            assert status_of(await gate.ask(token=token)) == 200
        # A second factor ends a pause; it does not make the sign-in any younger.
        gate.parts.cache.flush(at=AT + timedelta(minutes=56))
        with writing(gate.parts.store) as connection:
            token, _ = gate.parts.sessions.strengthen(
                connection,
                session.hash,
                factors=frozenset({"second-factor"}),
                at=AT + timedelta(minutes=56),
            )
        gate.parts.bulletin.ring()
        gate.at_us += 4 * 60_000_000
        answer = await gate.ask(token=token)
        form = "/OA_HTML/OA.jsp?OAFunc=XX_PERINFO"
        sent = await gate.ask(form, token=token, method="POST", more=SAME)

        assert (status_of(answer), status_of(sent)) == (303, 401)
        assert (field_of(answer, "location") or "").endswith("&again=signed-in-long-ago")
        assert len(gate.act.visits) == 4
        assert [draft.code for draft in gate.drafts[-2:]] == ["signed-in-long-ago"] * 2


async def test_a_pause_does_not_tell_what_is_not_offered(opened: Opened) -> None:
    """Who is not offered a function must not learn from the pause that it is there."""
    async with opened(presence=QUARTER) as gate:
        token = paused(gate, 16)
        answers = [
            await gate.ask(path, token=token) for path in ("/nowhere", "/fleet/restricted/x")
        ]

        assert [status_of(answer) for answer in answers] == [404, 404]


# ---- what becomes of an act ---------------------------------------------------------------------


def fails(error: Exception) -> Callable[[Visit], Done]:
    def does(_: Visit) -> Done:
        raise error

    return does


@pytest.mark.parametrize(
    ("does", "status", "code"),
    [
        (fails(ExchangeError(504, "upstream-timeout")), 504, "upstream-timeout"),
        (fails(ExchangeError(502, "upstream-refused")), 502, "upstream-refused"),
        (fails(ExchangeError(403, "no-account")), 403, "no-account"),
        (fails(RuntimeError("broken")), 503, "fault"),
        (lambda _: Done(status=413, code="body-too-large", answered=False), 413, "body-too-large"),
    ],
)
async def test_an_act_that_fails_is_answered_and_closed_with_what_happened(
    opened: Opened, does: Callable[[Visit], Done], status: int, code: str
) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        gate.act.does = does
        answer = await gate.ask(token=token)

        assert status_of(answer) == status
        decision, result = gate.drafts
        assert (decision.outcome, result.outcome) == (Outcome.PERMIT, Outcome.ERROR)
        assert (result.status, result.code, result.corr) == (status, code, decision.id)
        assert result.bytes_out == len(answer)


async def test_what_was_sent_is_counted_though_the_next_request_waits_already(
    opened: Opened,
) -> None:
    async with opened() as gate:
        cookie = f"Cookie: {COOKIE}={gate.firefighter()}"
        client = await gate.client()
        asked = f"GET {OWN_PAYSLIP} HTTP/1.1\r\nHost: gate\r\n{cookie}\r\n\r\n".encode()
        await client.say(asked * 3)
        answers = [await client.answer() for _ in range(3)]
        ended = [draft for draft in gate.drafts if draft.phase is Phase.RESULT]

        assert [draft.bytes_out for draft in ended] == [len(answer) for answer in answers]


async def test_whoever_is_nobody_in_the_system_is_told_so(opened: Opened) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        gate.act.does = fails(ExchangeError(403, "no-account"))
        answer = await gate.ask(token=token)

        assert b"you have no account in the system behind it" in answer


async def test_an_act_that_fails_after_its_answer_is_not_answered_again(opened: Opened) -> None:
    """A second answer would be taken for the answer to the next request."""

    def does(visit: Visit) -> Done:
        give(document(200, b"text/plain", b"first"), visit.incoming, visit.client)
        raise RuntimeError("too late")

    async with opened() as gate:
        token = gate.firefighter()
        gate.act.does = does
        client = await gate.client()
        request = f"GET {OWN_PAYSLIP} HTTP/1.1\r\nHost: gate\r\nCookie: {COOKIE}={token}\r\n\r\n"
        await client.say(request.encode() * 2)

        assert (await client.answer()).endswith(b"first")
        assert (await client.answer()).endswith(b"first")
        assert [draft.code for draft in gate.drafts[1::2]] == ["fault", "fault"]


async def test_a_function_of_a_system_nobody_has_set_up_is_502(opened: Opened) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        answer = await gate.ask("/-/portal", token=token)

        assert status_of(answer) == 502
        assert gate.drafts[-1].code == "no-such-system"


@pytest.mark.parametrize(
    "does",
    [
        fails(RuntimeError("broken")),
        lambda _: Done(status=413, code="body-too-large", answered=False),
    ],
)
async def test_a_client_is_cut_off_where_not_even_a_refusal_can_be_written(
    opened: Opened, does: Callable[[Visit], Done]
) -> None:
    class Broken:
        """Refusals that cannot be rendered."""

        def answer(self, visit: Visit, status: int, **_: object) -> Answer:  # noqa: ARG002
            raise RuntimeError("no template")

    async with opened(refusals=Broken()) as gate:
        token = gate.firefighter()
        gate.act.does = does

        for path in (OWN_PAYSLIP, UNKNOWN):
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await asyncio.wait_for(gate.ask(path, token=token), 2)
        assert (gate.drafts[1].status, gate.drafts[1].code) == (503, "cut-short")


# ---- resources ----------------------------------------------------------------------------------


async def test_resources_need_a_session_and_are_recorded_once_a_minute(opened: Opened) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        statuses = [status_of(await gate.ask(path, token=token)) for path in ("/style.css",) * 3]
        statuses.append(status_of(await gate.ask("/OA_MEDIA/logo.png", token=token)))
        nobody = await gate.ask("/style.css")
        gate.front._flush(everything=True)

        assert statuses == [200] * 4
        assert status_of(nobody) == 303
        assert gate.act.grants == [None] * 4
        first, refused, rest = gate.drafts
        assert (first.code, first.outcome, first.system) == ("resources", Outcome.PERMIT, "ebs")
        assert refused.code == "no-session"
        assert (rest.code, rest.count, rest.corr) == ("resources", 3, first.id)


async def test_resources_asked_for_at_once_wait_for_the_one_entry(opened: Opened) -> None:
    disk = FaultyDisk()
    async with opened(disk=disk) as gate:
        token = gate.firefighter()
        await gate.ask(token=token)
        disk.released.clear()
        asking = [asyncio.ensure_future(gate.ask("/style.css", token=token)) for _ in range(3)]
        await asyncio.sleep(0.2)
        served = len(gate.act.visits)
        disk.released.set()
        answers = await asyncio.gather(*asking)

        assert served == 1  # the payslip
        assert [status_of(answer) for answer in answers] == [200] * 3
        assert [draft.code for draft in gate.drafts].count("resources") == 1


async def test_a_resource_whose_system_fails_is_refused(opened: Opened) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        gate.act.does = fails(ExchangeError(504, "upstream-timeout"))
        slow = await gate.ask("/style.css", token=token)
        gate.act.does = fails(RuntimeError("broken"))
        broken = await gate.ask("/style.css", token=token)
        lost = await gate.ask("/l.js", token=token)

        assert [status_of(each) for each in (slow, broken, lost)] == [504, 503, 502]


async def test_a_path_that_is_no_resource_is_a_function_or_nothing(opened: Opened) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        answers = [
            await gate.ask("/OA_MEDIA/", token=token),
            await gate.ask("/style.css", token=token, method="POST", more=SAME),
        ]

        assert [status_of(answer) for answer in answers] == [404, 404]


@pytest.mark.parametrize("query", ["OAFunc=XX_BANK", "person_id=40012", "_ti=7"])
async def test_a_resource_names_no_function_and_nobody(opened: Opened, query: str) -> None:
    """A back office may go by what stands there, whatever the path; nobody has decided on it."""
    async with opened() as gate:
        token = gate.firefighter()
        answers = [
            await gate.ask(f"/style.css?{each}", token=token) for each in (query, "version=7")
        ]

        assert [status_of(answer) for answer in answers] == [404, 200]
        assert len(gate.act.visits) == 1


# ---- open without a session ---------------------------------------------------------------------


async def test_what_is_open_is_done_for_everybody_and_told_who_asks(opened: Opened) -> None:
    seen: list[str | None] = []

    async def act(visit: Visit) -> ActResult | None:
        seen.append(visit.live.staff.username if visit.live else None)
        give(document(200, b"text/plain", b"open"), visit.incoming, visit.client)
        return None

    async with opened() as gate:
        gate.open_acts["/open"] = act
        token = gate.firefighter()
        answers = [await gate.ask("/open"), await gate.ask("/open", token=token)]

        assert [status_of(answer) for answer in answers] == [200, 200]
        assert seen == [None, "alice"]
        assert gate.drafts == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_open_act_that_does_not_answer_is_refused_and_recorded(
    opened: Opened, method: str
) -> None:
    async def act(visit: Visit) -> ActResult | None:
        if visit.method == "POST":
            return Done(status=413, code="form-too-large", answered=False)
        raise RuntimeError("broken")

    async with opened() as gate:
        gate.open_acts["/open"] = act
        answer = await gate.ask("/open", method=method, more=SAME)

        expected = (413, "form-too-large") if method == "POST" else (503, "fault")
        assert (status_of(answer), gate.drafts[0].code) == expected


async def test_an_open_act_that_answered_is_left_alone(opened: Opened) -> None:
    async def act(visit: Visit) -> ActResult | None:
        give(document(200, b"text/plain", b"open"), visit.incoming, visit.client)
        return Done()

    async with opened() as gate:
        gate.open_acts["/open"] = act

        assert (await gate.ask("/open")).endswith(b"open")


async def test_what_is_open_is_not_open_to_other_sites_forms(opened: Opened) -> None:
    """Signing somebody in under another name is an attack as well."""

    async def act(visit: Visit) -> ActResult | None:
        raise AssertionError(visit)

    async with opened() as gate:
        gate.open_acts["/open"] = act

        assert status_of(await gate.ask("/open", method="POST")) == 403


@pytest.mark.parametrize(
    ("path", "fields", "passes"),
    [
        ("/-/oidc/nwas/back-channel", "", True),
        ("/-/oidc/nwas/back-channel", "Origin: http://evil.example\r\n", False),
        ("/-/oidc/nwas/back-channel", "Sec-Fetch-Site: cross-site\r\n", False),
        ("/-/oidc/nwas/callback", "", False),
    ],
)
async def test_a_providers_server_posts_without_an_origin_and_a_browser_does_not(
    opened: Opened, path: str, fields: str, passes: bool
) -> None:
    """Whatever says where it comes from is a browser, and is held to it."""
    seen: list[str] = []

    async def act(visit: Visit) -> None:
        seen.append(visit.method)
        give(document(200, b"text/plain", b"heard"), visit.incoming, visit.client)

    async with opened() as gate:
        gate.open_acts[path] = act
        answer = await gate.ask(path, method="POST", more=fields)

    assert status_of(answer) == (200 if passes else 403)
    assert seen == (["POST"] if passes else [])


# ---- how fast ------------------------------------------------------------------------------------


async def test_strangers_of_one_source_are_slowed_down_and_those_who_are_signed_in_are_not(
    opened: Opened,
) -> None:
    async with opened(strangers=SourcePaces(1)) as gate:
        token = gate.firefighter()
        client = await gate.client()
        answers = [await client.get(OWN_PAYSLIP) for _ in range(35)]
        served = await gate.ask(token=token)

        assert [status_of(each) for each in answers] == [303] * 10 + [429] * 25
        assert field_of(answers[-1], "Retry-After") == "1"
        assert b"from your network" in answers[-1]
        assert status_of(served) == 200
        # recorded as other refusals of strangers are: the first twenty by themselves
        codes = [each.code for each in gate.drafts[:-2]]
        assert codes == ["no-session"] * 10 + ["source-rate"] * 10


async def test_whoever_is_signed_in_is_slowed_down_by_themselves_in_all_their_sessions(
    opened: Opened,
) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        await gate.ask(token=token)
        (live,) = gate.parts.cache._live.values()
        live.pace = Pace(1)
        client = await gate.client()
        more = f"Cookie: {COOKIE}={token}\r\n"
        answers = [await client.get(OWN_PAYSLIP, more=more) for _ in range(35)]

        assert [status_of(each) for each in answers] == [200] * 10 + [429] * 25
        assert (field_of(answers[-1], "Retry-After"), len(gate.act.visits)) == ("1", 11)
        refused = [each for each in gate.drafts if each.code == "person-rate"]
        assert len(refused) == 20
        assert {each.actor_name for each in refused} == {"alice@cheshire-fire"}
