"""LemonLDAP::NG before the back office: its portal, its handler, and nginx, which asks it.

The way that its manual gives as the fastest: nginx and not Apache, and uWSGI over a Unix socket
instead of its own FastCGI server. Configuration and sessions lie in files, its default, with its
caches as the package sets them; all of it in one folder, nothing of it below /etc or /var.
"""

from __future__ import annotations

import html
import http.client
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.benchmarks.load import WrongAnswersError
from tests.benchmarks.servers import (
    CORES,
    MANY_REQUESTS,
    LdapAccess,
    MissingProgramError,
    nginx_with,
    program,
)

PACKAGES = (
    "liblemonldap-ng-handler-perl liblemonldap-ng-portal-perl libnet-ldap-perl"
    " libio-socket-timeout-perl libunicode-string-perl uwsgi-core uwsgi-plugin-psgi"
)
APPLICATION = Path("/usr/share/lemonldap-ng/llng-server/llng-server.psgi")
TEMPLATES = Path("/usr/share/lemonldap-ng/portal/templates")
NEEDED = (
    APPLICATION,
    TEMPLATES,
    Path("/usr/lib/uwsgi/plugins/psgi_plugin.so"),
    Path("/usr/share/perl5/Net/LDAP.pm"),
    Path("/usr/share/perl5/IO/Socket/Timeout.pm"),
)
ACCOUNT = "www-data"  # of whoever is started by root; the server refuses to be root
COOKIE = "lemonldap"
PORTAL_HOST = "auth.localhost"
SIGN_IN_SECONDS = 30  # the portal is compiled when it is first asked

_LOCAL = """\
[all]
logLevel = warn
logger = Lemonldap::NG::Common::Logger::Std
userLogger = Lemonldap::NG::Common::Logger::Std
checkTime = 1
[configuration]
type = File
dirName = {folder}/configuration
localStorage = Cache::FileCache
localStorageOptions = {{ 'namespace' => 'lemonldap-ng-config', 'default_expires_in' => 600, \
'directory_umask' => '007', 'cache_root' => '{folder}/cache', 'cache_depth' => 3 }}
[portal]
templateDir = {templates}
staticPrefix = /static
languages = en
[handler]
status = 0
useRedirectOnError = 1
"""

_UWSGI = """\
[uwsgi]
plugins = psgi
psgi = {application}
socket = {folder}/uwsgi.sock
chmod-socket = 660
master = true
processes = {cores}
need-app = true
die-on-term = true
buffer-size = 65535
disable-logging = true
env = LLNG_DEFAULTCONFFILE={folder}/lemonldap-ng.ini
{account}
"""

# As in the packages' own examples for nginx, those lines that stand there for an nginx without Lua.
_FRONT = """\
  log_format lm_combined '$remote_addr - $lmremote_user [$time_local] '
    '"$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';
  upstream guarded {{
    server 127.0.0.1:{upstream};
    keepalive 64;
    keepalive_requests {many};
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    server_name localhost;
    access_log {folder}/access.log lm_combined;
    location = /lmauth {{
      internal;
      {parameters}
      uwsgi_pass unix:{folder}/uwsgi.sock;
      uwsgi_pass_request_body off;
      uwsgi_param CONTENT_LENGTH "";
      uwsgi_param X_ORIGINAL_URI $original_uri;
      uwsgi_buffer_size 32k;
      uwsgi_buffers 32 32k;
    }}
    location / {{
      set $original_uri $uri$is_args$args;
      auth_request /lmauth;
      auth_request_set $lmremote_user $upstream_http_lm_remote_user;
      auth_request_set $lmlocation $upstream_http_location;
      error_page 401 $lmlocation;
      auth_request_set $authuser $upstream_http_auth_user;
      auth_request_set $lmcookie $upstream_http_cookie;
      proxy_set_header Auth-User $authuser;
      proxy_set_header Cookie $lmcookie;
      proxy_set_header Connection "";
      proxy_http_version 1.1;
      proxy_pass http://guarded;
    }}
  }}
  server {{
    listen 127.0.0.1:{port};
    server_name {portal};
    location / {{
      {parameters}
      uwsgi_pass unix:{folder}/uwsgi.sock;
      uwsgi_param LLTYPE portal;
    }}
  }}"""

_PARAMETERS = {
    "QUERY_STRING": "$query_string",
    "REQUEST_METHOD": "$request_method",
    "CONTENT_TYPE": "$content_type",
    "CONTENT_LENGTH": "$content_length",
    "REQUEST_URI": "$request_uri",
    "PATH_INFO": "$document_uri",
    "SERVER_PROTOCOL": "$server_protocol",
    "REMOTE_ADDR": "$remote_addr",
    "REMOTE_PORT": "$remote_port",
    "SERVER_PORT": "$server_port",
    "SERVER_NAME": "$server_name",
    "HTTP_HOST": "$host",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LemonLdap:
    """What is started.

    Attributes:
        socket: on which the application listens.
        application: command line of uWSGI with the handler and the portal.
        front: command line of nginx, which asks the handler.
    """

    socket: Path
    application: list[str]
    front: list[str]


def lemonldap(folder: Path, port: int, upstream: int, ldap: LdapAccess, person: str) -> LemonLdap:
    """Prepare LemonLDAP::NG, which lets one person through to the back office.

    Args:
        folder: everything of it; made, and given to the account that it drops to.
        port: where nginx listens on the loopback.
        upstream: port of the back office.
        ldap: the directory that the portal asks.
        person: the name at sign-in for which the rule holds.

    Raises:
        MissingProgramError: a package is not installed.
    """
    command = [_uwsgi(), "--ini", str(folder / "uwsgi.ini")]
    for name in ("configuration", "sessions/lock", "persistent/lock", "cache", "front"):
        (folder / name).mkdir(parents=True)
    shutil.copy(ldap.ca_file, folder / "ca.pem")
    written = folder / "configuration" / "lmConf-1.json"
    written.touch(0o600)  # it holds a password
    written.write_text(json.dumps(_configuration(folder, port, ldap, person), indent=1), "utf-8")
    local = _LOCAL.format(folder=folder, templates=TEMPLATES)
    (folder / "lemonldap-ng.ini").write_text(local, "utf-8")
    as_root = os.geteuid() == 0
    account = f"uid = {ACCOUNT}\ngid = {ACCOUNT}" if as_root else ""
    text = _UWSGI.format(application=APPLICATION, folder=folder, cores=CORES, account=account)
    (folder / "uwsgi.ini").write_text(text, "utf-8")
    content = _FRONT.format(
        folder=folder,
        upstream=upstream,
        many=MANY_REQUESTS,
        port=port,
        portal=PORTAL_HOST,
        parameters="\n      ".join(f"uwsgi_param {k} {v};" for k, v in _PARAMETERS.items()),
    )
    front = nginx_with(folder / "front", content)
    if as_root:
        for each in (folder, *folder.rglob("*")):
            shutil.chown(each, ACCOUNT, ACCOUNT)
    return LemonLdap(socket=folder / "uwsgi.sock", application=command, front=front)


def sign_in(port: int, person: str, password: str) -> str:
    """Fill in the form of the portal; gives the cookie of the session.

    Raises:
        WrongAnswersError: if nobody is signed in by that.
    """
    form, _ = _ask(port, "GET", "")
    token = re.search(r'name="token" value="([^"]*)"', form)
    fields = {"user": person, "password": password}
    if token:
        fields["token"] = html.unescape(token[1])
    said, headers = _ask(port, "POST", urlencode(fields))
    for each in headers.get_all("Set-Cookie") or ():
        pair = each.partition(";")[0]
        name, _, value = pair.partition("=")
        if name == COOKIE and len(value) > 1:  # its cookie is 0 where somebody is signed out
            return pair
    told = re.search(r'trmsg="(\d+)"', said)
    message = f"LemonLDAP::NG: nobody is signed in (message {told[1] if told else 'unknown'})"
    raise WrongAnswersError(message)


def _uwsgi() -> str:
    """Find uWSGI, and all that it is to run.

    Raises:
        MissingProgramError: if anything of it is not there.
    """
    install = f"apt-get install --no-install-recommends {PACKAGES}"
    absent = [str(path) for path in NEEDED if not path.exists()]
    if absent:
        message = f"LemonLDAP::NG: {', '.join(absent)} not there: {install}"
        raise MissingProgramError(message)
    return program("uwsgi", "uwsgi-core")


def _configuration(folder: Path, port: int, ldap: LdapAccess, person: str) -> Mapping[str, Any]:
    def cache(namespace: str) -> dict[str, Any]:
        return {
            "namespace": namespace,
            "cache_root": str(folder / "cache"),
            "cache_depth": 3,
            "default_expires_in": 600,
            "directory_umask": "007",
        }

    def files(name: str) -> dict[str, str]:
        return {"Directory": str(folder / name), "LockDirectory": str(folder / name / "lock")}

    return {
        "cfgNum": 1,
        "cfgAuthor": "bench",
        "cfgDate": "1",
        "key": "bench-secret-of-32-characters-00",  # of a portal that lives for one run
        "portal": f"http://{PORTAL_HOST}:{port}/",
        "domain": "localhost",
        "cookieName": COOKIE,
        "securedCookie": 0,
        "timeout": 72000,
        "authentication": "LDAP",
        "userDB": "Same",
        "passwordDB": "Null",
        "registerDB": "Null",
        # What the portal does not have here, and would load more packages for: pictures to read
        # (its empty plugin stands for them), letters, and accounts that people make themselves.
        "captcha": "::Main::Plugin",
        "portalDisplayResetPassword": 0,
        "portalDisplayRegister": 0,
        "ldapServer": ldap.uri,
        "ldapCAFile": str(folder / "ca.pem"),
        "ldapVerify": "require",
        "ldapBase": ldap.base,
        "managerDn": ldap.bind_dn,
        "managerPassword": ldap.bind_password,
        "AuthLDAPFilter": f"({ldap.attribute}=$user)",
        "ldapExportedVars": {"uid": ldap.attribute, "cn": "cn"},
        "exportedVars": {},
        "whatToTrace": "uid",
        "globalStorage": "Apache::Session::File",
        "globalStorageOptions": {
            **files("sessions"),
            "generateModule": "Lemonldap::NG::Common::Apache::Session::Generate::SHA256",
        },
        "persistentStorage": "Apache::Session::File",
        "persistentStorageOptions": files("persistent"),
        "localSessionStorage": "Cache::FileCache",
        "localSessionStorageOptions": cache("lemonldap-ng-sessions"),
        "locationRules": {"localhost": {"default": f"$uid eq '{person}'"}},
        "exportedHeaders": {"localhost": {"Auth-User": "$uid"}},
    }


def _ask(port: int, method: str, body: str) -> tuple[str, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SIGN_IN_SECONDS)
    try:
        headers = {"Host": f"{PORTAL_HOST}:{port}", "Accept": "text/html"}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, "/", body=body or None, headers=headers)
        answer = connection.getresponse()
        return answer.read().decode("utf-8", "replace"), answer.headers
    finally:
        connection.close()
