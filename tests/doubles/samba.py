"""A real Active Directory domain controller for tests: Samba, with its own address, our own CA.

    with Samba(folder, authority) as domain:
        domain.ldaps_uri, domain.base, domain.add_person("alice", employeeID="1") ...

The ports of a domain are fixed (389, 636, 88, 464, 3268), so each controller takes an address
127.x.y.z of its own, on which nothing else listens; that needs root. Making a domain takes twelve
seconds, so a bare one is made once a machine and kept under `var/`, by Samba's version; each test
session starts from a copy (two seconds) and fills it itself, over the local socket that is trusted
as the system (`ldapi`).

For Kerberos: the controller is the KDC of `REALM`, on port 88 of `address`.
`krb5_conf` writes a configuration that finds it (set `KRB5_CONFIG` to it, and `KRB5CCNAME` to a
cache of your own). Every person of `add_person` is a principal `name@REALM` with `PASSWORD`. For a
service, `add_person("http-gate", servicePrincipalName="HTTP/gate.police.example")`, then
`export_keytab(file, "HTTP/gate.police.example")` writes its key for the acceptor.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import ldap
import ldap.modlist
import trustme

DOMAIN = "police.example"
REALM = DOMAIN.upper()
NETBIOS = "POLICE"
BASE = "DC=police,DC=example"
STAFF = f"OU=staff,{BASE}"
GROUPS = f"OU=groups,{BASE}"
PASSWORD = "correct horse"
SERVICE_NAME = f"gateway@{DOMAIN}"
SERVICE_PASSWORD = "service-secret"
LOCKOUT_THRESHOLD = 3

KEPT = Path(__file__).parents[2] / "var"
PORTS = (389, 636, 88)

CONFIGURATION = """\
[global]
netbios name = DC1
realm = {realm}
workgroup = {netbios}
server role = active directory domain controller
server services = ldap, cldap, kdc
interfaces = {address}/8
bind interfaces only = yes
private dir = {folder}/private
state directory = {folder}/state
cache directory = {folder}/cache
lock directory = {folder}/lock
pid directory = {folder}/pid
ncalrpc dir = {folder}/ncalrpc
winbindd socket directory = {folder}/winbindd
binddns dir = {folder}/bind-dns
log file = {folder}/log.%m
tls enabled = yes
tls cafile = {folder}/ca.pem
tls certfile = {folder}/certificate.pem
tls keyfile = {folder}/key.pem
"""


class Samba:
    """One domain controller. `pause` makes it silent while its sockets stay open."""

    def __init__(self, folder: Path, authority: trustme.CA) -> None:
        """Copy the bare domain, with an address of its own and a certificate for it."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        bare = _bare_domain()
        for part in ("private", "state"):
            shutil.copytree(bare / part, folder / part)
        for part in ("cache", "lock", "pid", "ncalrpc", "winbindd", "bind-dns"):
            (folder / part).mkdir()
        self.address = _free_address()
        self.base = BASE
        self.ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.ca_file)
        certificate = authority.issue_cert(self.address)
        certificate.private_key_pem.write_to_path(folder / "key.pem")
        (folder / "key.pem").chmod(0o600)
        for index, pem in enumerate(certificate.cert_chain_pems):
            pem.write_to_path(folder / "certificate.pem", append=index > 0)
        self.bind_password_file = folder / "bind-password"
        self.bind_password_file.write_text(SERVICE_PASSWORD + "\n")
        self.bind_password_file.chmod(0o600)
        self.configuration = folder / "smb.conf"
        self.configuration.write_text(
            CONFIGURATION.format(realm=REALM, netbios=NETBIOS, address=self.address, folder=folder)
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def ldaps_uri(self) -> str:
        """The address with TLS from the first byte."""
        return f"ldaps://{self.address}"

    @property
    def starttls_uri(self) -> str:
        """The address that turns to TLS when asked."""
        return f"ldap://{self.address}"

    def start(self) -> None:
        """Start, and wait until the ports answer."""
        with (self.folder / "samba.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["/usr/sbin/samba", "-i", "-M", "single", "-s", self.configuration, "-d", "1"],
                stdin=subprocess.PIPE,  # samba -i ends with its standard input
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 30
        for port in PORTS:
            while True:
                with (
                    contextlib.suppress(OSError),
                    socket.create_connection((self.address, port), 1),
                ):
                    break
                if self._process.poll() is not None or time.monotonic() > deadline:
                    log_text = (self.folder / "samba.log").read_text()
                    raise RuntimeError(f"samba did not start: {log_text[-2000:]}")
                time.sleep(0.02)

    def stop(self) -> None:
        """End the controller; its ports refuse connections afterwards."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process = None

    def pause(self) -> None:
        """Fall silent: connections are taken by the kernel, nothing answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def resume(self) -> None:
        """Speak again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def fill(self) -> None:
        """Make the units and the gateway's own account, and lock accounts after few failures."""
        policy = {"lockoutThreshold": LOCKOUT_THRESHOLD, "pwdProperties": 0, "minPwdAge": 0}
        self.modify(BASE, **{name: str(value) for name, value in policy.items()})
        for dn in (STAFF, GROUPS):
            self.add(dn, objectClass="organizationalUnit")
        self.add_person("gateway", below=f"CN=Users,{BASE}", password=SERVICE_PASSWORD)

    def add_person(
        self,
        name: str,
        *,
        below: str = STAFF,
        password: str = PASSWORD,
        **attributes: str | Sequence[str],
    ) -> str:
        """Make a person; give their DN."""
        dn = f"CN={name},{below}"
        account: dict[str, str | Sequence[str]] = {
            "sAMAccountName": name,
            "userPrincipalName": f"{name}@{DOMAIN}",
            "displayName": name.title(),
            "userAccountControl": "512",
        }
        self.add(dn, objectClass="user", unicodePwd=f'"{password}"', **{**account, **attributes})
        return dn

    def add_group(self, name: str, *members: str, below: str = GROUPS) -> str:
        """Make a group; give its DN."""
        dn = f"CN={name},{below}"
        member = {"member": members} if members else {}
        self.add(dn, objectClass="group", sAMAccountName=name, **member)
        return dn

    def add(self, dn: str, **attributes: str | Sequence[str]) -> None:
        """Make an entry."""
        with self._as_system() as link:
            link.add_s(dn, ldap.modlist.addModlist(_octets(attributes)))

    def modify(self, dn: str, **attributes: str | Sequence[str]) -> None:
        """Replace attributes of an entry; an empty value takes one away."""
        with self._as_system() as link:
            changes = [
                (ldap.MOD_REPLACE, name, values or None)
                for name, values in _octets(attributes).items()
            ]
            link.modify_s(dn, changes)

    def delete(self, dn: str) -> None:
        """Take an entry away."""
        with self._as_system() as link:
            link.delete_s(dn)

    def lock(self, name: str) -> None:
        """Lock an account as anybody can: with wrong passwords."""
        link = ldap.initialize(f"ldapi://{quote(str(self._socket('ldapi')), safe='')}")
        for _ in range(LOCKOUT_THRESHOLD):
            with contextlib.suppress(ldap.INVALID_CREDENTIALS):
                link.simple_bind_s(f"{name}@{DOMAIN}", "wrong")
        link.unbind_s()

    def krb5_conf(self, file: Path) -> Path:
        """Write a Kerberos configuration that finds this KDC and asks no name server."""
        file.write_text(
            f"[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_kdc = false\n"
            "dns_lookup_realm = false\ndns_canonicalize_hostname = false\nrdns = false\n"
            f"udp_preference_limit = 1\n[realms]\n{REALM} = {{\n  kdc = {self.address}:88\n}}\n"
            f"[domain_realm]\n.{DOMAIN} = {REALM}\n{DOMAIN} = {REALM}\n"
        )
        return file

    def export_keytab(self, file: Path, principal: str) -> Path:
        """Write the keys of a principal, for a service that accepts its tickets."""
        _samba_tool(
            "domain", "exportkeytab", str(file), f"--principal={principal}",
            f"--configfile={self.configuration}",
        )  # fmt: skip
        return file

    def _socket(self, name: str) -> Path:
        return self.folder / "private" / "ldap_priv" / name

    @contextlib.contextmanager
    def _as_system(self) -> Iterator[ldap.ldapobject.SimpleLDAPObject]:
        """Whoever reaches this socket (root) is the system, unless they bind."""
        link = ldap.initialize(f"ldapi://{quote(str(self._socket('ldapi')), safe='')}")
        try:
            yield link
        finally:
            link.unbind_s()

    def __enter__(self) -> Self:
        """Start and fill."""
        self.start()
        try:
            self.fill()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()


def _octets(attributes: dict[str, str | Sequence[str]]) -> dict[str, list[bytes]]:
    found = {}
    for name, values in attributes.items():
        encoding = "utf-16-le" if name == "unicodePwd" else "utf-8"
        listed = [values] if isinstance(values, str) else values
        found[name] = [value.encode(encoding) for value in listed if value]
    return found


def _free_address() -> str:
    """Find a loopback address on which nobody listens on a domain's ports."""
    start = os.getpid()
    for step in itertools.count():
        number = (start + step * 7919) % (64 * 250 * 250)
        address = f"127.{64 + number // 62_500}.{number // 250 % 250 + 1}.{number % 250 + 1}"
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for port in PORTS:
                stack.enter_context(socket.create_server((address, port)))
            return address
        if step > 100:
            break
    raise RuntimeError("samba: no loopback address is free")


def _bare_domain() -> Path:
    """Give the folder of a domain that has been made and never served."""
    version = subprocess.run(
        ["/usr/sbin/samba", "--version"], capture_output=True, text=True, check=True
    ).stdout.split()[-1]
    place = KEPT / f"samba-{DOMAIN}-{version}"
    KEPT.mkdir(exist_ok=True)
    with (KEPT / "samba.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.is_dir():
            making = place.with_suffix(".making")
            shutil.rmtree(making, ignore_errors=True)
            _samba_tool(
                "domain", "provision", f"--realm={REALM}", f"--domain={NETBIOS}",
                "--server-role=dc", "--dns-backend=NONE", "--host-name=dc1",
                "--host-ip=127.0.0.1", "--adminpass=Adm1n-of-the-test-domain",
                f"--targetdir={making}",
            )  # fmt: skip
            making.rename(place)
    return place


def _samba_tool(*arguments: str) -> None:
    done = subprocess.run(
        ["/usr/bin/samba-tool", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"samba-tool {arguments[:2]}: {done.stderr[-2000:]}")
