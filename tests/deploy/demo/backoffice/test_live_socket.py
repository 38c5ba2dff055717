"""The WebSocket of a ticket: who asks is known, changes come, what is said is answered."""

from __future__ import annotations

import json

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from deploy.demo.backoffice.server import BackOfficeServer
from tests.doubles.assertion_signer import Signer

LIVE = "/ict/tickets/ICT-10001/live"


def open_socket(back_office: BackOfficeServer, target: str, assertion: str) -> ClientConnection:
    return connect(
        f"ws://127.0.0.1:{back_office.server_port}{target}",
        additional_headers={"Gateway-Assertion": assertion},
        proxy=None,
        legacy=True,
    )


def test_changes_come_and_what_is_said_is_answered(
    back_office: BackOfficeServer, signer: Signer
) -> None:
    with open_socket(back_office, f"{LIVE}?every_ms=20", signer.assertion()) as live:
        told = [json.loads(live.recv(timeout=5)) for _ in range(3)]
        live.send("hello")
        while "heard" not in told[-1]:
            told.append(json.loads(live.recv(timeout=5)))

    assert {one["asker"] for one in told} == {"40011"}
    assert told[0]["values"][0].startswith("ICT-")
    assert told[-1]["heard"] == "hello"


@pytest.mark.parametrize(
    ("target", "assertion", "status"),
    [(LIVE, "forged", 401), ("/ict/tickets/ICT-10001", "", 404), ("/pay/x/live", "", 404)],
)
def test_an_upgrade_elsewhere_or_by_a_stranger_is_refused(
    back_office: BackOfficeServer, signer: Signer, target: str, assertion: str, status: int
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        open_socket(back_office, target, assertion or signer.assertion())

    assert refused.value.response.status_code == status
