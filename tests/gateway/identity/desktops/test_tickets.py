"""What is shown as a ticket has one reading, and what it says is one person of one realm."""

from __future__ import annotations

import base64

import pytest

from gateway.identity.desktops.tickets import (
    MAX_TOKEN_CHARACTERS,
    TicketRefused,
    person_of,
    read_token,
)
from tests.doubles.desktop import KERBEROS_MECHANISM, NTLM_MECHANISM, negotiation

TOKEN = negotiation(KERBEROS_MECHANISM, b"ticket")
TEXT = base64.b64encode(TOKEN).decode()
NTLM = b"NTLMSSP\0\x01\x00\x00\x00" + bytes(24)


def refused(authorization: str) -> str:
    with pytest.raises(TicketRefused) as raised:
        read_token(authorization)
    assert TEXT[:12] not in str(raised.value)
    return raised.value.code


@pytest.mark.parametrize("scheme", ["Negotiate", "negotiate", "NEGOTIATE"])
def test_a_token_is_read_whatever_the_case_of_its_scheme(scheme: str) -> None:
    assert read_token(f"{scheme} {TEXT}") == TOKEN


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Negotiate",
        "Negotiate ",
        f"Negotiate  {TEXT}",
        f"Negotiate {TEXT} ",
        f"Negotiate {TEXT}, Basic eDp4",
        f"Negotiate {TEXT}\n",
        f"Negotiate {TEXT[:-1]}",
        f"Negotiate {TEXT}====",
        f"Negotiate {TEXT[:8]}-{TEXT[9:]}",
        f"Negotiate é{TEXT}",
        f"Basic {TEXT}",
        f"Bearer {TEXT}",
        f"Kerberos {TEXT}",
        "Negotiate " + base64.b64encode(b"ticket").decode(),
        "Negotiate " + base64.b64encode(TOKEN[1:]).decode(),
        "Negotiate " + base64.b64encode(b"\x60" + bytes(40) + TOKEN).decode(),
        "Negotiate " + "A" * (MAX_TOKEN_CHARACTERS + 4),
    ],
)
def test_what_has_no_one_reading_is_refused(authorization: str) -> None:
    assert refused(authorization) == "ticket-malformed"


def test_base64_with_bits_to_spare_is_refused() -> None:
    """Else one ticket had several spellings."""
    padded = next(
        text
        for count in range(3)
        if (
            text := base64.b64encode(negotiation(KERBEROS_MECHANISM, bytes(count))).decode()
        ).endswith("==")
    )
    spare = padded[:-3] + chr(ord(padded[-3]) + 1) + "=="
    assert base64.b64decode(spare, validate=True) == base64.b64decode(padded)

    assert read_token(f"Negotiate {padded}")
    assert refused(f"Negotiate {spare}") == "ticket-malformed"


@pytest.mark.parametrize("token", [NTLM, negotiation(NTLM_MECHANISM, NTLM)])
def test_ntlm_is_refused_bare_and_wrapped(token: bytes) -> None:
    assert refused("Negotiate " + base64.b64encode(token).decode()) == "ticket-ntlm"


def test_the_largest_token_that_is_read_fits_into_a_request() -> None:
    assert len("Authorization: Negotiate ") + MAX_TOKEN_CHARACTERS < 65_536 - 1_024


def test_a_person_is_a_name_and_a_realm() -> None:
    assert person_of("alice@POLICE.EXAMPLE", ("FIRE.EXAMPLE", "POLICE.EXAMPLE")) == (
        "alice",
        "POLICE.EXAMPLE",
    )


@pytest.mark.parametrize(
    ("principal", "code"),
    [
        ("alice@FIRE.EXAMPLE", "ticket-of-elsewhere"),
        ("alice@police.example", "ticket-of-elsewhere"),
        ("alice@POLICE.EXAMPLE.EVIL", "ticket-of-elsewhere"),
        ("alice", "ticket-of-no-person"),
        ("@POLICE.EXAMPLE", "ticket-of-no-person"),
        ("HTTP/gate.police.example@POLICE.EXAMPLE", "ticket-of-no-person"),
        ("WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS", "ticket-of-no-person"),
        ("alice\\@FIRE.EXAMPLE@POLICE.EXAMPLE", "ticket-of-no-person"),
        ("alice@FIRE.EXAMPLE@POLICE.EXAMPLE", "ticket-of-no-person"),
        ("al ice@POLICE.EXAMPLE", "ticket-of-no-person"),
        ("alice@POLICE.EXAMPLE\n", "ticket-of-no-person"),
        ("a" * 257 + "@POLICE.EXAMPLE", "ticket-of-no-person"),
    ],
)
def test_nobody_else_comes_in(principal: str, code: str) -> None:
    with pytest.raises(TicketRefused) as raised:
        person_of(principal, ("POLICE.EXAMPLE",))

    assert raised.value.code == code
    assert "alice" not in str(raised.value)
