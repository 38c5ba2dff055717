"""A real OpenLDAP server for tests: TLS from a throw-away authority, free ports, gone afterwards.

    with Slapd(folder, authority) as server:
        server.ldaps_uri, server.starttls_uri, server.base ...

It writes what it is asked to its log, so a test can prove that something was *not* asked:
`binds()`.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import trustme

from deploy.demo.places import free_ports

SLAPD = Path("/usr/sbin/slapd")
SUFFIX = "dc=fire,dc=example"
PEOPLE = f"ou=people,{SUFFIX}"
SERVICE_DN = f"cn=gateway,ou=services,{SUFFIX}"
SERVICE_PASSWORD = "service-secret"
PASSWORD = "correct horse"

CONFIGURATION = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 1.3.6.1.4.1.55555.1.1 NAME 'policeVettingLevel'
  EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 1.3.6.1.4.1.55555.2.1 NAME 'vettedPerson' SUP top AUXILIARY
  MAY ( policeVettingLevel ) )
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/certificate.pem
TLSCertificateKeyFile {folder}/key.pem
{extra}
database mdb
suffix "{suffix}"
directory {folder}/data
maxsize 33554432
dbnosync
rootdn "cn=root,{suffix}"
index objectClass,uid,manager eq
{limits}
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{service}" read by * none
{overlays}
"""


def person(
    uid: str, number: str | None, *, dn: str | None = None, **attributes: str | Sequence[str]
) -> str:
    """Write one person as LDIF; the password is `PASSWORD`."""
    lines = [
        f"dn: {dn or f'uid={uid},{PEOPLE}'}",
        "objectClass: inetOrgPerson",
        "objectClass: vettedPerson",
        f"uid: {uid}",
        f"userPassword: {PASSWORD}",
    ]
    values: dict[str, str | Sequence[str]] = {"cn": uid.title(), "sn": uid.title(), **attributes}
    if number is not None:
        values["employeeNumber"] = number
    for name, value in values.items():
        lines += [f"{name}: {each}" for each in ([value] if isinstance(value, str) else value)]
    return "\n".join(lines) + "\n\n"


def tree(people: str) -> str:
    """Write the whole tree as LDIF, with the service account and the given people."""
    return (
        f"dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\ndc: fire\no: Fire\n\n"
        f"dn: {PEOPLE}\nobjectClass: organizationalUnit\nou: people\n\n"
        f"dn: ou=services,{SUFFIX}\nobjectClass: organizationalUnit\nou: services\n\n"
        f"dn: {SERVICE_DN}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n"
        f"cn: gateway\nuserPassword: {SERVICE_PASSWORD}\n\n" + people
    )


class Slapd:
    """One server. `pause` makes it silent while its sockets stay open."""

    def __init__(
        self,
        folder: Path,
        authority: trustme.CA,
        *,
        people: str = "",
        names: tuple[str, ...] = ("127.0.0.1",),
        extra: str = "",
        limits: str = "",
        overlays: str = "",
        certificate: trustme.LeafCert | None = None,
    ) -> None:
        """Prepare a server with these people, a certificate for these names and extra settings."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "data").mkdir()
        self.base = SUFFIX
        self.ca_file = folder / "ca.pem"
        self.bind_password_file = folder / "bind-password"
        self.bind_password_file.write_text(SERVICE_PASSWORD + "\n")
        self.bind_password_file.chmod(0o600)
        self.log_file = folder / "slapd.log"
        authority.cert_pem.write_to_path(self.ca_file)
        certificate = certificate or authority.issue_cert(*names)
        certificate.private_key_pem.write_to_path(folder / "key.pem")
        for index, pem in enumerate(certificate.cert_chain_pems):
            pem.write_to_path(folder / "certificate.pem", append=index > 0)
        (folder / "slapd.conf").write_text(
            CONFIGURATION.format(
                folder=folder,
                suffix=SUFFIX,
                service=SERVICE_DN,
                extra=extra,
                limits=limits,
                overlays=overlays,
            )
        )
        # A copy under another path is not held by Debian's AppArmor profile for /usr/sbin/slapd.
        self._program = folder / "slapd"
        shutil.copy2(SLAPD, self._program)
        (folder / "tree.ldif").write_text(tree(people))
        subprocess.run(
            [self._program, "-Tadd", "-f", folder / "slapd.conf", "-l", folder / "tree.ldif"],
            check=True,
            capture_output=True,
        )
        self._process: subprocess.Popen[bytes] | None = None
        self.ldap_port, self.ldaps_port = free_ports(2)

    @property
    def ldaps_uri(self) -> str:
        """The address with TLS from the first byte."""
        return f"ldaps://127.0.0.1:{self.ldaps_port}"

    @property
    def starttls_uri(self) -> str:
        """The address that turns to TLS when asked."""
        return f"ldap://127.0.0.1:{self.ldap_port}"

    def start(self) -> None:
        """Start, and wait until both ports answer."""
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    "-f",
                    self.folder / "slapd.conf",
                    "-h",
                    f"ldap://127.0.0.1:{self.ldap_port} ldaps://127.0.0.1:{self.ldaps_port}",
                    "-d",
                    "stats",
                ],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 10
        for port in (self.ldap_port, self.ldaps_port):
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                if self._process.poll() is not None or time.monotonic() > deadline:
                    message = f"slapd did not start: {self.log_file.read_text()[-2000:]}"
                    raise RuntimeError(message)
                time.sleep(0.01)

    def stop(self) -> None:
        """End the server; its ports refuse connections afterwards."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Fall silent: connections are taken by the kernel, nothing answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)  # it may still answer until then

    def resume(self) -> None:
        """Speak again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def log_length(self) -> int:
        """Tell how long the log is, to read from there later."""
        return self.log_file.stat().st_size

    def binds(self, since: int = 0) -> list[str]:
        """List the binds that reached the server after a point in its log."""
        return self._lines(" BIND dn=", since)

    def operations(self, since: int = 0) -> list[str]:
        """Name what the server was asked after a point in its log, in order, farewells left out."""
        asked = re.compile(r" op=\d+ (BIND|SRCH|EXT)\b(?! .*mech=| attr=)")
        return [
            found[1]
            for line in self._lines(" op=", since)
            if (found := asked.search(line)) is not None
        ]

    def connections(self, since: int = 0) -> list[str]:
        """List the connections that were made after a point in the server's log."""
        return self._lines(" ACCEPT from ", since)

    def _lines(self, word: str, since: int) -> list[str]:
        text = self.log_file.read_bytes()[since:].decode(errors="replace")
        # A bind is told twice, asked and granted; only the asking names its method by number.
        return [line for line in text.splitlines() if word in line and " mech=" not in line]

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()
