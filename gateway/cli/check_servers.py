"""The step of `gateway check` that looks at the certificates servers show, where they are reached.

Nothing is said to them but what TLS needs. A server that does not answer is no finding here:
`gateway directory test` tries one through.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cryptography import x509

from gateway.cli.check_steps import ending
from gateway.cli.finding import Finding
from gateway.cli.terminal import Progress

if TYPE_CHECKING:
    from gateway.identity.directories.directory_channel import Server
    from gateway.settings import Settings

AT_ONCE: Final = 8
_HTTPS: Final = 443


def servers(settings: Settings, at: datetime) -> Iterator[Finding]:
    """Look at every server of a directory, provider and upstream, several at once."""
    from gateway.identity.directories.ldap_probe import presented_certificate

    asked = list(_asked(settings))
    with ThreadPoolExecutor(AT_ONCE) as threads, Progress("asking servers") as progress:
        shown = threads.map(lambda each: presented_certificate(each[1], time.monotonic), asked)
        for number, ((owner, server), certificate) in enumerate(zip(asked, shown, strict=True)):
            progress(number, len(asked))
            if certificate is None:
                continue
            try:
                read = x509.load_der_x509_certificate(certificate)
            except ValueError:
                continue  # nobody believes it anyway
            yield from ending(read, owner, server.uri, at)


def _asked(settings: Settings) -> Iterator[tuple[str, Server]]:
    from gateway.front.from_settings import system_hosts
    from gateway.identity.directories.directory_channel import Server

    for organisation in settings.organisations:
        for directory in organisation.directories:
            owner = f"organisation {organisation.id}, directory {directory.id}"
            if directory.kind == "oidc":
                yield from _https(owner, directory.issuer)
                continue
            for uri in directory.uris:
                yield owner, Server.from_uri(uri)
    if settings.tls is None:  # what a front shows for us
        yield from _https("the gateway, as staff reach it", settings.gateway.origin)
        for host in system_hosts(settings).values():
            yield from _https(f"system {host.system}, as staff reach it", host.origin)
    for upstream in settings.upstreams:
        for place in upstream.places:
            yield from _https(f"upstream {upstream.id}", place)


def _https(owner: str, url: str) -> Iterator[tuple[str, Server]]:
    from gateway.identity.directories.directory_channel import Server

    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        port = parts.port or _HTTPS
        yield owner, Server(uri=url, host=parts.hostname, port=port, starttls=False)
