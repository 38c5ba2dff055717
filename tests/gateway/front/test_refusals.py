"""Refusals of the front: a page for a person, a document for a program, two lines for nonsense."""

from __future__ import annotations

import orjson
import pytest

from gateway.backoffice.shares import PERSON_SHARE
from gateway.front.refusals import FrontRefusals
from policies.reasons import Reason
from policies.telling import StaffReason
from tests.gateway.pages.world import World
from tests.gateway.visits import REFERENCE, new_visit, request

REASON = StaffReason(
    code=Reason.CLEARANCE_TOO_LOW, sentence="It asks for more.", remedy="Ask.", whom=""
)


@pytest.fixture
def refusals(front_world: World) -> FrontRefusals:
    return FrontRefusals(
        pages=front_world.pages.refusals,
        contacts=front_world.services.contacts,
        caller=front_world.pages.refusal_caller,
    )


@pytest.mark.parametrize("accept", [b"text/html", b"", b"text/html,application/json", b"*/*"])
def test_a_person_gets_a_page(refusals: FrontRefusals, accept: bytes) -> None:
    answer = refusals.answer(
        new_visit(request(accept=accept)), 403, reasons=(REASON,), asked_for="Pay adjustments"
    )

    fields = dict(answer.fields)
    assert answer.status == 403
    assert fields[b"Content-Type"] == b"text/html; charset=utf-8"
    assert fields[b"Gateway-Reference"] == REFERENCE.encode()
    assert b"default-src 'none'" in fields[b"Content-Security-Policy"]
    assert fields[b"Cache-Control"] == b"no-store"
    for told in (b"It asks for more.", b"Pay adjustments", REFERENCE.encode()):
        assert told in answer.body


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (
            403,
            {
                "refused": True,
                "reference": REFERENCE,
                "reasons": [
                    {
                        "code": "clearance-too-low",
                        "sentence": "It asks for more.",
                        "remedy": "Ask.",
                    }
                ],
            },
        ),
        (404, {"refused": True, "reference": REFERENCE}),
        (503, {"refused": True, "reference": REFERENCE}),
    ],
)
def test_a_program_gets_a_document(
    refusals: FrontRefusals, status: int, document: dict[str, object]
) -> None:
    """What does not exist for somebody has no reasons, whoever asks."""
    visit = new_visit(request(accept=b"application/json"))
    answer = refusals.answer(visit, status, reasons=(REASON,))

    assert orjson.loads(answer.body) == document
    assert dict(answer.fields)[b"Content-Type"] == b"application/json"


@pytest.mark.parametrize("status", [400, 405, 408, 414, 431, 499, 505])
def test_what_could_not_be_read_gets_a_plain_sentence(refusals: FrontRefusals, status: int) -> None:
    answer = refusals.answer(new_visit(request(accept=b"application/json")), status)

    assert answer.status == status
    assert len(answer.body) < 400
    assert f'data-reference="{REFERENCE}"'.encode() in answer.body


@pytest.mark.parametrize(("told", "seconds"), [(0, b"1"), (7, b"7")])
def test_whoever_keeps_their_share_busy_is_not_worth_a_page(
    refusals: FrontRefusals, told: int, seconds: bytes
) -> None:
    visit = new_visit(request(accept=b"text/html"))
    visit.wait_seconds = told
    answer = refusals.answer(visit, 429, cause=PERSON_SHARE)

    assert len(answer.body) < 400
    assert b"still running" in answer.body
    assert dict(answer.fields)[b"Retry-After"] == seconds


@pytest.mark.parametrize(
    "path",
    [
        b"/-/access/v1/evaluation",
        b"/-/api/vetting/feed/unit",
        b"/-/oidc/nwas/back-channel",
        b"/-/ready",
        b"/.well-known/jwks.json",
    ],
)
@pytest.mark.parametrize("status", [400, 401, 405, 503])
def test_what_machines_call_answers_in_json_whatever_they_accept(
    refusals: FrontRefusals, path: bytes, status: int
) -> None:
    answer = refusals.answer(new_visit(request(target=path, accept=b"*/*")), status)

    assert orjson.loads(answer.body) == {"refused": True, "reference": REFERENCE}


@pytest.mark.parametrize("cause", ["", "source-rate"])
@pytest.mark.parametrize("status", [401, 405, 429])
@pytest.mark.parametrize("path", [b"/", b"/-/access/v1/evaluation"])
def test_a_refusal_says_what_is_said_of_it_besides(
    refusals: FrontRefusals, path: bytes, status: int, cause: str
) -> None:
    visit = new_visit(request(target=path))
    visit.told_fields, visit.wait_seconds = ((b"Allow", b"POST"),), 7
    fields = dict(refusals.answer(visit, status, cause=cause).fields)

    assert (fields[b"Allow"], fields[b"Retry-After"]) == (b"POST", b"7")


@pytest.mark.parametrize("accept", [b"text/html", b"application/json"])
def test_whoever_has_no_account_in_a_system_is_told_whom_to_ask(
    refusals: FrontRefusals, accept: bytes
) -> None:
    answer = refusals.answer(new_visit(request(accept=accept)), 403, cause="no-account")

    assert answer.status == 403
    assert b"you have no account in the system behind it" in answer.body
    assert b"Ask whoever looks after that system" in answer.body
