"""Mail goes over TLS to a server that proves itself, or not at all."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest
import trustme

from gateway.errors import MailError
from gateway.mail import send
from gateway.settings_vetting import MailSection
from tests.doubles.mail_server import PASSWORD, MailServer, mail_server


def section(server: MailServer, folder: Path, *, password: str = PASSWORD) -> MailSection:
    secret = folder / "mail.password"
    secret.write_text(password + "\n")
    secret.chmod(0o600)
    values = {
        "host": "127.0.0.1", "port": server.port, "sender": "no-reply@x.example", "seconds": 5.0,
        "ca_file": str(server.ca_file), "username": "gateway", "password_file": str(secret),
    }  # fmt: skip
    return MailSection.model_validate(values)


def letter(address: str = "a@x.example") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "no-reply@x.example", address, "Hello"
    return message


def test_mail_is_taken_after_starttls_and_signing_in(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        sent = list(send(section(server, tmp_path), [letter(), letter("b@x.example")]))

        assert sent == [True, True]
        assert [message["To"] for message in server.kept] == ["a@x.example", "b@x.example"]


def test_a_server_without_encryption_gets_nothing(tmp_path: Path) -> None:
    with mail_server(tmp_path, starttls=False) as server:
        with pytest.raises(MailError, match="took no mail"):
            list(send(section(server, tmp_path), [letter()]))
        assert server.kept == []


def test_a_server_that_is_not_the_one_meant_gets_nothing(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        trustme.CA().cert_pem.write_to_path(server.ca_file)
        with pytest.raises(MailError, match="SSLCertVerificationError"):
            list(send(section(server, tmp_path), [letter()]))
        assert server.kept == []


def test_a_wrong_password_is_told_without_it(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        with pytest.raises(MailError) as refused:
            list(send(section(server, tmp_path, password="other-secret"), [letter()]))
        assert "other-secret" not in str(refused.value)


def test_a_refused_address_holds_up_nobody_else(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        server.refuse.add("b@x.example")
        letters = [letter("b@x.example"), letter("c@x.example")]

        assert list(send(section(server, tmp_path), letters)) == [False, True]
        assert [message["To"] for message in server.kept] == ["c@x.example"]


def test_no_server_is_told_as_such(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        gone = section(server, tmp_path)
    with pytest.raises(MailError, match="took no mail: ConnectionRefusedError"):
        list(send(gone, [letter()]))
