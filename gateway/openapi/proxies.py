"""The question of another proxy about a request that it holds (`gateway.api.forward_auth`)."""

from __future__ import annotations

from typing import Final

from gateway.api.forward_auth import FORWARD_AUTH_PATH, SECRET_FIELD
from gateway.backoffice.headers import ASSERTION_FIELD
from gateway.openapi.answers import Schema, header, ref, refusals
from gateway.proxy_asking import LOCATION_FIELD, STATUS_FIELD, ProxyKind
from gateway.wire.request_head import METHODS

SECURITY: Final = "proxy"
_TAG: Final = "Other proxies"
_PATH: Final = FORWARD_AUTH_PATH.decode("ascii")
_LISTED: Final = "Only for a listed `[[front_proxy]]`, from its networks, in its own way."


def proxy_paths() -> Schema:
    """Describe both ways in which proxies ask."""
    target = {
        "name": "target",
        "in": "path",
        "required": True,
        "description": "Path and query of the request, as the client sent them.",
        "schema": {"type": "string"},
    }
    told = [
        _field("X-Forwarded-Proto", "How the client came.", enum=["http", "https"]),
        _field("X-Forwarded-For", "Whence; the last address counts."),
    ]
    asked = [
        _field("X-Forwarded-Method", "The method of the request.", enum=sorted(METHODS)),
        _field("X-Forwarded-Uri", "Its path and query.", pattern="^/"),
        _field("X-Forwarded-Host", "The host it was meant for."),
    ]
    return {
        _PATH: {
            "get": {
                "tags": [_TAG],
                "operationId": "forward_auth",
                "summary": f"Ask as {ProxyKind.NGINX} and {ProxyKind.FORWARD_AUTH} do",
                "description": f"{_LISTED} nginx is told 200, 401 and 403 alone, with what was"
                f" meant in `{_name(STATUS_FIELD)}`.",
                "security": [{SECURITY: []}],
                "parameters": [*asked, *told],
                "responses": _answers(),
            }
        },
        f"{_PATH}/{{target}}": {"parameters": [target, *told]}
        | {
            method.lower(): {
                "tags": [_TAG],
                "operationId": f"ext_authz_{method.lower()}",
                "summary": f"Ask as Envoy's {ProxyKind.EXT_AUTHZ} does, about a {method}",
                "description": f"{_LISTED} The body stays with the proxy.",
                "security": [{SECURITY: []}],
                "responses": _answers(),
            }
            for method in sorted(METHODS)
        },
    }


def proxy_security() -> Schema:
    """Describe how a proxy proves which one it is."""
    return {
        SECURITY: {
            "type": "apiKey",
            "in": "header",
            "name": _name(SECRET_FIELD),
            "description": "What its `secret_file` holds.",
        }
    }


def _answers() -> Schema:
    found: Schema = {
        "200": {
            "description": "It may pass, with these fields in the place of the client's; the"
            " settings of the system may add others.",
            "headers": {
                "Gateway-Reference": {"required": True, "schema": ref("Reference")},
                _name(ASSERTION_FIELD): header("Who asks; empty where nobody has to be known."),
                "Cookie": header("The client's cookies without the gateway's."),
                "X-Request-ID": header("The reference, for the system.", required=True),
            },
        },
        "303": {
            "description": "The person is to be led there, to sign in or to say more.",
            "headers": {"Location": header("An address of the gateway.", required=True)},
        },
        **refusals(401, 403, 404, 405, 413, 415, 502),
    }
    # nginx throws away what else would be said.
    for status in ("401", "403"):
        found[status] = {
            "description": "It may not pass; or, to nginx, whatever else was meant.",
            "headers": {
                _name(STATUS_FIELD): header("To nginx: the status that was meant."),
                _name(LOCATION_FIELD): header("To nginx: where the person is to be led."),
            },
        }
    return found


def _field(name: str, description: str, **schema: object) -> Schema:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": {"type": "string", **schema},
    }


def _name(field: bytes) -> str:
    return "-".join(each.capitalize() for each in field.decode("ascii").split("-"))
