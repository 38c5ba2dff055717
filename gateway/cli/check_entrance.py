"""The step of `gateway check` that looks at the certificate the gateway itself shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.cli.check_steps import ending
from gateway.cli.finding import FAULT, Finding

if TYPE_CHECKING:
    from gateway.settings import Settings


def own_certificate(settings: Settings, at: datetime) -> Iterator[Finding]:
    """Load each as the service would, and tell of every certificate of its file that ends soon."""
    from gateway.entrance.certificates import CertificateError, load
    from gateway.front.entrance_parts import certificate_files

    for files in certificate_files(settings):
        where = str(files.certificate)
        try:
            loaded = load(files)
        except CertificateError as error:
            yield Finding(severity=FAULT, step="tls", file=where, line=0, message=str(error))
            continue
        for each in loaded.chain:
            yield from ending(each, "the gateway", where, at)
