"""A real mail server (aiosmtpd) on a free port, with a certificate of its own authority."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message as EmailMessage
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from aiosmtpd.smtp import AuthResult, LoginPassword
from typing_extensions import override

PASSWORD = "mail-secret"


class _Keeping(Message):
    def __init__(self, kept: list[EmailMessage], refuse: set[str]) -> None:
        super().__init__()
        self._kept, self._refuse = kept, refuse

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address in self._refuse:
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    @override
    def handle_message(self, message: EmailMessage) -> None:
        self._kept.append(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where it is, whose certificate it has, what it took, and whom it refuses."""

    port: int
    ca_file: Path
    kept: list[EmailMessage] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)


@contextmanager
def mail_server(folder: Path, *, starttls: bool = True) -> Iterator[MailServer]:
    """Run a mail server; without `starttls` it offers no encryption at all."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "mail-ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    kept: list[EmailMessage] = []
    refuse: set[str] = set()

    def authenticate(_server: Any, _session: Any, _envelope: Any, _how: str, data: Any) -> Any:
        right = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
        return AuthResult(success=right, handled=False)

    secured: dict[str, Any] = (
        {"tls_context": context, "require_starttls": True, "authenticator": authenticate}
        if starttls
        else {}
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]  # the library wants to know it beforehand
    controller = Controller(_Keeping(kept, refuse), hostname="127.0.0.1", port=port, **secured)
    controller.start()
    try:
        yield MailServer(port=port, ca_file=folder / "mail-ca.pem", kept=kept, refuse=refuse)
    finally:
        controller.stop()
