"""A computer that is joined to the domain of `tests.doubles.samba`: it has people's tickets.

It speaks to the real KDC with the real client library. What that library is told (`KRB5_CONFIG`) is
set while it works and no longer, so that nothing else in the process sees it.
"""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import gssapi

from tests.doubles.samba import PASSWORD, REALM, Samba

GATE = "HTTP@gate.police.example"
OTHER = "cifs@files.police.example"
SPNEGO = gssapi.OID.from_int_seq("1.3.6.1.5.5.2")
NTLM_MECHANISM = bytes.fromhex("060a2b06010401823702020a")
KERBEROS_MECHANISM = bytes.fromhex("06092a864886f712010202")


class Desktop:
    """A computer, and the services of its domain that a keytab has keys of.

    Attributes:
        domain: the domain.
        keytab_file: holds the keys of the gate and of another service.
    """

    def __init__(self, domain: Samba, folder: Path) -> None:
        """Make the two services, each with a password, so with keys, of its own."""
        self.domain = domain
        self._folder = folder
        self.configuration = domain.krb5_conf(folder / "krb5.conf")
        # The computer does not mind a wrong clock: that the gate does is what is looked at.
        with self.configuration.open("a") as settings:
            settings.write("[libdefaults]\nclockskew = 3600\n")
        self.keytab_file = folder / "gate.keytab"
        for service in (GATE, OTHER):
            spn = service.replace("@", "/")
            domain.add_person(
                f"svc-{spn[:4].lower()}", password=f"password of {spn}", servicePrincipalName=spn
            )
            domain.export_keytab(self.keytab_file, spn)
        self.keytab_file.chmod(0o600)

    @contextmanager
    def configured(self) -> Iterator[None]:
        """Have the library find the domain."""
        with mock.patch.dict(os.environ, {"KRB5_CONFIG": str(self.configuration)}):
            yield

    def sign_in(self, name: str, *, lifetime: str = "1h", only: str = "") -> str:
        """Sign somebody in to the computer; gives where their tickets are.

        Args:
            name: whom.
            lifetime: of the tickets.
            only: the one service to get a ticket for, which may then be short-lived.
        """
        cache = f"FILE:{self._folder / f'{name}-{lifetime}.cache'}"
        with self.configured():
            done = subprocess.run(
                [
                    "kinit", *(["-S", only.replace("@", "/")] if only else []),
                    "-l", lifetime, "-c", cache, f"{name}@{REALM}",
                ],
                input=PASSWORD + "\n",
                capture_output=True,
                text=True,
                check=False,
            )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return cache

    def set_clock(self, cache: str, seconds: int) -> None:
        """Let the computer's clock be wrong for whoever holds these tickets, from now on.

        A computer notes in its cache how far its domain's clock is from its own, and dates what it
        shows by the domain's; so what is noted decides (MIT's file cache of version 4: the length
        of the header, then a tag of 1 and its 8 bytes: seconds and microseconds). Nothing but the
        gate's ticket may be asked for first, as the domain would refuse the clock too.

        Args:
            cache: where the tickets are; one of the gate is among them.
            seconds: what is added to the time.
        """
        path = Path(cache.removeprefix("FILE:"))
        content = bytearray(path.read_bytes())
        assert content[:2] == b"\5\4"
        header = struct.unpack_from(">HHHii", content, 2)
        assert header[:3] == (12, 1, 8), "the cache notes no clock"
        struct.pack_into(">i", content, 8, seconds)
        path.write_bytes(content)

    def show(self, cache: str, service: str = GATE) -> tuple[gssapi.SecurityContext, bytes]:
        """Make a token for a service, as a browser does; gives what checks the answer too."""
        with self.configured():
            context = gssapi.SecurityContext(
                name=gssapi.Name(service, gssapi.NameType.hostbased_service),
                creds=gssapi.Credentials(usage="initiate", store={"ccache": cache}),
                mech=SPNEGO,
                usage="initiate",
                flags=gssapi.RequirementFlag.mutual_authentication,
            )
            return context, context.step() or b""


def negotiation(mechanisms: bytes, token: bytes) -> bytes:
    """Write the first token of a negotiation by hand (RFC 4178 4.2.1)."""
    listed = _der(0xA0, _der(0x30, mechanisms))
    inner = _der(0x30, listed + _der(0xA2, _der(0x04, token)))
    return _der(0x60, bytes.fromhex("06062b0601050502") + _der(0xA0, inner))


def _der(tag: int, body: bytes) -> bytes:
    length = len(body)
    assert length < 128
    return bytes([tag, length]) + body
