"""The servers that stand beside the gate: the back office, a bare nginx proxy, Apache with LDAP.

Each has a configuration written from nothing, in a folder of its own, listens on one port of the
loopback, and leaves the system's own servers alone. What they are given is what an operator would
give them: keep-alive on both sides, a worker for each core, no limit that the load would meet.
"""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE_BYTES = 4096
CORES = 2
# Far beyond any run: no server may close a connection because it has served much.
MANY_REQUESTS = 100_000_000
APACHE_MODULES = Path("/usr/lib/apache2/modules")
PROGRAM_PLACES = ("/usr/local/sbin", "/usr/sbin", "/usr/local/bin", "/usr/bin")

NGINX = """\
{user}worker_processes {cores};
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  server_tokens off;
  default_type text/html;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_timeout 75s;
  keepalive_requests {many};
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
{content}
}}
"""
# The same page whatever is asked for.
PAGES = """\
  open_file_cache max=16 inactive=60s;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ root {folder}/pages; try_files /page.html =404; }}
  }}"""
PROXY = """\
  upstream back_office {{
    server 127.0.0.1:{upstream};
    keepalive 64;
    keepalive_requests {many};
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://back_office;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
  }}"""
_APACHE_FRAME = """\
ServerRoot {folder}
ServerName localhost
DefaultRuntimeDir {folder}
PidFile {folder}/{name}.pid
ErrorLog /dev/stderr
LogLevel warn
Listen 127.0.0.1:{port}
{modules}
{user}
ListenBacklog 4096
StartServers 8
ThreadsPerChild 64
ThreadLimit 64
ServerLimit 8
MaxRequestWorkers 512
MinSpareThreads 512
MaxSpareThreads 512
MaxConnectionsPerChild 0
KeepAlive On
KeepAliveTimeout 75
MaxKeepAliveRequests 0
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" combined
CustomLog {folder}/{log} combined
"""
APACHE = """\
{frame}\
LDAPTrustedGlobalCert CA_BASE64 {folder}/ca.pem
LDAPVerifyServerCert On
ProxyRequests Off
ProxyPass / http://127.0.0.1:{upstream}/
<Location "/">
  AuthType Basic
  AuthName "back office"
  AuthBasicProvider ldap
  AuthLDAPURL "{ldap_url}"
  AuthLDAPBindDN "{bind_dn}"
  AuthLDAPBindPassword "{bind_password}"
  Require valid-user
</Location>
"""
MODULES = (
    "mpm_event", "authn_core", "authz_core", "authz_user", "auth_basic", "ldap", "authnz_ldap",
    "proxy", "proxy_http",
)  # fmt: skip


class MissingProgramError(Exception):
    """A program that the benchmark needs is not installed; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LdapAccess:
    """How Apache asks the directory that the gate asks too.

    Attributes:
        uri: of the server, `ldaps://...`.
        base: the DN under which the staff are found.
        attribute: the one that holds the name used at sign-in.
        bind_dn: the account that looks people up.
        bind_password: of that account.
        ca_file: with the authority that signed the server's certificate.
    """

    uri: str
    base: str
    attribute: str
    bind_dn: str
    bind_password: str
    ca_file: Path


def page() -> bytes:
    """Make the page of the back office: 4 kB that look like one."""
    head = b"<!DOCTYPE html>\n<html lang=en><title>Payslip</title><h1>Payslip</h1><table>\n"
    row = b"<tr><td>Basic pay<td>2,412.08<td>Pension<td>301.51</tr>\n"
    rows = head + row * (PAGE_BYTES // len(row))
    return rows[: PAGE_BYTES - 9].ljust(PAGE_BYTES - 9) + b"</table>\n"


def back_office(folder: Path, port: int) -> list[str]:
    """Prepare nginx as the back office, which answers everything with the one page.

    Args:
        folder: everything of this server; made.
        port: where it listens on the loopback.

    Returns:
        The command line, which stays in the foreground.
    """
    pages = folder / "pages"
    pages.mkdir(parents=True)
    (pages / "page.html").write_bytes(page())
    return nginx_with(folder, PAGES.format(port=port, folder=folder))


def nginx_proxy(folder: Path, port: int, upstream: int) -> list[str]:
    """Prepare a bare nginx reverse proxy; gives its command line."""
    folder.mkdir(parents=True)
    return nginx_with(folder, PROXY.format(port=port, upstream=upstream, many=MANY_REQUESTS))


def apache_frame(name: str, log: str, folder: Path, port: int, modules: Sequence[str]) -> str:
    """Write what every Apache here is told alike: as many processes, and an access log.

    Args:
        name: of its files.
        log: its access log.
        folder: for its files.
        port: to listen on.
        modules: to load.
    """
    return _APACHE_FRAME.format(
        name=name,
        log=log,
        folder=folder,
        port=port,
        modules="\n".join(f"LoadModule {n}_module {APACHE_MODULES}/mod_{n}.so" for n in modules),
        user="User www-data\nGroup www-data" if os.geteuid() == 0 else "",
    )


def apache_with_ldap(folder: Path, port: int, upstream: int, ldap: LdapAccess) -> list[str]:
    """Prepare Apache httpd with mod_authnz_ldap as a reverse proxy; gives its command line.

    Event MPM, access log on, cache of the directory's answers as by default.

    Args:
        folder: everything of this server; open to the account it drops to.
        port: where it listens on the loopback.
        upstream: port of the back office.
        ldap: the directory.
    """
    shutil.copy(ldap.ca_file, folder / "ca.pem")
    (folder / "ca.pem").chmod(0o644)
    absent = [name for name in MODULES if not (APACHE_MODULES / f"mod_{name}.so").exists()]
    if absent:
        message = f"apache: modules {', '.join(absent)} are missing; install Debian's `apache2`"
        raise MissingProgramError(message)
    text = APACHE.format(
        frame=apache_frame("apache", "access.log", folder, port, MODULES),
        folder=folder,
        upstream=upstream,
        ldap_url=f"{ldap.uri}/{ldap.base}?{ldap.attribute}?sub",
        bind_dn=ldap.bind_dn,
        bind_password=ldap.bind_password,
    )
    configuration = folder / "apache.conf"
    configuration.touch(0o600)  # it holds a password
    configuration.write_text(text, "utf-8")
    return [program("apache2", "apache2"), "-DFOREGROUND", "-f", str(configuration)]


def program(name: str, package: str) -> str:
    """Find a program, also where the search path of a person does not lead.

    Raises:
        MissingProgramError: if it is not installed.
    """
    found = shutil.which(name) or shutil.which(name, path=":".join(PROGRAM_PLACES))
    if found is None:
        message = (
            f"`{name}` is not installed; `make bench` installs it on Debian,"
            f" or: apt-get install --no-install-recommends {package}"
        )
        raise MissingProgramError(message)
    return found


def nginx_with(folder: Path, content: str) -> list[str]:
    """Prepare nginx with servers of its own; gives its command line.

    Args:
        folder: everything of this server.
        content: what stands inside `http`.
    """
    # Root would drop to an account that cannot read the folder of the project.
    user = f"user {pwd.getpwuid(os.geteuid()).pw_name};\n" if os.geteuid() == 0 else ""
    text = NGINX.format(user=user, cores=CORES, folder=folder, content=content, many=MANY_REQUESTS)
    configuration = folder / "nginx.conf"
    configuration.write_text(text, "utf-8")
    command = [program("nginx", "nginx"), "-p", str(folder), "-c", str(configuration)]
    return [*command, "-e", str(folder / "error.log")]
