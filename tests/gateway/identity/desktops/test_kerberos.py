"""Tickets of a real domain, judged: whose they are, and every way they may not hold."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest
from gssapi.raw.misc import GSSError

from gateway.errors import DirectoryMisconfigured
from gateway.identity.desktops.kerberos import TicketAcceptor
from gateway.identity.desktops.tickets import KerberosSettings, TicketRefused
from tests.doubles.desktop import (
    GATE,
    KERBEROS_MECHANISM,
    NTLM_MECHANISM,
    OTHER,
    Desktop,
    negotiation,
)
from tests.doubles.samba import REALM

pytestmark = pytest.mark.directory


@pytest.fixture(scope="module")
def ticket(desktop: Desktop) -> str:
    """The tickets of somebody who has signed in to the computer."""
    desktop.domain.add_person("petra", employeeID="7001")
    return desktop.sign_in("petra")


@pytest.fixture
def settings(desktop: Desktop, tmp_path: Path) -> KerberosSettings:
    return KerberosSettings(
        keytab_file=desktop.keytab_file,
        service=GATE,
        realms=("ELSEWHERE.EXAMPLE", REALM),
        replay_folder=tmp_path,
    )


@pytest.fixture
def acceptor(settings: KerberosSettings) -> TicketAcceptor:
    return TicketAcceptor(settings)


def refused(acceptor: TicketAcceptor, token: bytes) -> str:
    with pytest.raises(TicketRefused) as raised:
        acceptor.accept(token)
    return raised.value.code


def test_a_ticket_says_whose_it_is_and_the_answer_proves_us(
    desktop: Desktop, ticket: str, acceptor: TicketAcceptor
) -> None:
    browser, token = desktop.show(ticket)
    presented = acceptor.accept(token)

    assert presented.principal == f"petra@{REALM}"
    assert not browser.complete
    with desktop.configured():
        browser.step(presented.answer)
    assert browser.complete


def test_a_token_signs_in_once_whichever_worker_it_comes_to(
    desktop: Desktop, ticket: str, settings: KerberosSettings, tmp_path: Path
) -> None:
    _, token = desktop.show(ticket)
    TicketAcceptor(settings).accept(token)

    assert refused(TicketAcceptor(settings), token) == "ticket-replayed"
    (kept,) = tmp_path.iterdir()
    assert kept.stat().st_mode & 0o077 == 0
    TicketAcceptor(settings).accept(desktop.show(ticket)[1])


def test_a_replay_cache_that_cannot_be_kept_lets_nobody_in(
    desktop: Desktop, ticket: str, settings: KerberosSettings, tmp_path: Path
) -> None:
    (tmp_path / "shown").mkdir()

    assert refused(TicketAcceptor(settings), desktop.show(ticket)[1]) == "ticket-refused"


@pytest.mark.parametrize("place", [0.3, 0.6, 0.9, 0.99])
def test_a_token_that_was_tampered_with_is_refused(
    desktop: Desktop, ticket: str, acceptor: TicketAcceptor, place: float
) -> None:
    token = bytearray(desktop.show(ticket)[1])
    token[int(len(token) * place)] ^= 1

    assert refused(acceptor, bytes(token)) == "ticket-refused"


def test_a_ticket_for_another_service_is_refused_although_its_key_is_there(
    desktop: Desktop, ticket: str, acceptor: TicketAcceptor, settings: KerberosSettings
) -> None:
    _, token = desktop.show(ticket, OTHER)

    assert refused(acceptor, token) == "ticket-refused"
    # Judged with that service's key it holds: so nothing else is wrong with it.
    other = KerberosSettings(
        keytab_file=settings.keytab_file,
        service=OTHER,
        realms=(REALM,),
        replay_folder=settings.replay_folder,
    )
    assert (
        TicketAcceptor(other).accept(desktop.show(ticket, OTHER)[1]).principal == f"petra@{REALM}"
    )


@pytest.mark.parametrize("token", [b"", b"x", b"\x60\x06\x06\x04", bytes(3_000)])
def test_what_is_no_token_is_refused(acceptor: TicketAcceptor, token: bytes) -> None:
    assert refused(acceptor, token) in {"ticket-refused", "ticket-incomplete"}


def test_a_negotiation_that_wants_another_token_is_refused(acceptor: TicketAcceptor) -> None:
    token = negotiation(NTLM_MECHANISM + KERBEROS_MECHANISM, b"first choice")

    assert refused(acceptor, token) == "ticket-incomplete"


def test_another_mechanism_is_refused(acceptor: TicketAcceptor) -> None:
    assert refused(acceptor, negotiation(NTLM_MECHANISM, b"only choice")) == "ticket-refused"


@pytest.mark.usefixtures("ticket")  # petra is somebody
@pytest.mark.parametrize(
    ("seconds", "code"), [(-290, ""), (290, ""), (-310, "ticket-clock"), (310, "ticket-clock")]
)
def test_clocks_may_differ_by_five_minutes_and_no_more(
    desktop: Desktop, acceptor: TicketAcceptor, seconds: int, code: str
) -> None:
    ticket = desktop.sign_in("petra", lifetime=f"{400 + seconds}m")
    desktop.show(ticket)
    desktop.set_clock(ticket, seconds)
    _, token = desktop.show(ticket)

    if code:
        assert refused(acceptor, token) == code
    else:
        assert acceptor.accept(token).principal == f"petra@{REALM}"


def test_a_ticket_that_has_run_out_is_told_as_that(
    desktop: Desktop, ticket: str, acceptor: TicketAcceptor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library lets one pass for five minutes more, so what it says then is had elsewhere."""
    with pytest.raises(GSSError) as real:
        desktop.show(desktop.sign_in("petra", lifetime="1s"))
    _, token = desktop.show(ticket)
    monkeypatch.setattr(
        "gateway.identity.desktops.kerberos._AtOnce", mock.Mock(side_effect=real.value)
    )

    assert refused(acceptor, token) == "ticket-expired"


@pytest.mark.parametrize("content", [b"", b"\x05\x02", b"not a keytab"])
def test_a_keytab_without_the_key_is_told_before_anybody_comes(
    settings: KerberosSettings, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "other.keytab").write_bytes(content)
    broken = KerberosSettings(
        keytab_file=tmp_path / "other.keytab",
        service=GATE,
        realms=settings.realms,
        replay_folder=tmp_path,
    )
    with pytest.raises(DirectoryMisconfigured, match=r"other\.keytab"):
        TicketAcceptor(broken)


def test_a_key_of_another_host_or_realm_is_not_ours(settings: KerberosSettings) -> None:
    for service, realms in ((GATE, ("FIRE.EXAMPLE",)), ("HTTP@other.police.example", (REALM,))):
        with pytest.raises(DirectoryMisconfigured, match="holds no key of `HTTP/"):
            TicketAcceptor(
                KerberosSettings(
                    keytab_file=settings.keytab_file,
                    service=service,
                    realms=realms,
                    replay_folder=settings.replay_folder,
                )
            )


def test_a_keytab_that_is_replaced_is_used_at_once(
    desktop: Desktop, ticket: str, tmp_path: Path
) -> None:
    keytab = tmp_path / "own.keytab"
    keytab.write_bytes(desktop.keytab_file.read_bytes())
    acceptor = TicketAcceptor(
        KerberosSettings(keytab_file=keytab, service=GATE, realms=(REALM,), replay_folder=tmp_path)
    )
    keytab.write_bytes(b"\x05\x02")
    with pytest.raises(DirectoryMisconfigured, match="no key"):
        acceptor.accept(desktop.show(ticket)[1])
    keytab.write_bytes(desktop.keytab_file.read_bytes())

    assert acceptor.accept(desktop.show(ticket)[1]).principal == f"petra@{REALM}"
