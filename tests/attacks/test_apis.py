"""Whatever programs send, every address answers as the OpenAPI document says.

`EXAMPLES=500 make test T=tests/attacks/test_apis.py` tries each address so many times, and every
edge of every schema; without it there are few of them, and the edges of those that stand for all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema_rs import Draft202012Validator

from gateway.openapi.document import openapi_document
from tests.attacks.programs import SECRETS, TOKEN
from tests.attacks.target import COOKIE, OWN_PAYSLIP, Target
from tests.attacks.wire import Reply

FEW: Final = 4
EXAMPLES: Final = int(os.environ.get("EXAMPLES", FEW))
CONFIG: Final = Path(__file__).with_name("schemathesis.toml")
# The edges of these are as many again, of the same readers.
LIKE_OTHERS: Final = (
    "evaluations",
    "search_subject",
    "search_action",
    "push_vetting_feed",
    *(f"ext_authz_{method}" for method in ("delete", "head", "options", "patch", "put")),
)
CHECKED: Final = """
[[operations]]
include-operation-id = {names}
phases.coverage.enabled = false
"""


def described() -> dict[str, Any]:
    """Give the document with the session's cookie as plain http on this machine has it."""
    document = openapi_document()
    document["components"]["securitySchemes"]["session"]["name"] = COOKIE
    return document


def asked(target: Target, path: str, said: object) -> tuple[int, Any]:
    """Ask as the listed program does."""
    fields = [
        (b"Authorization", f"Bearer {TOKEN}".encode()),
        (b"Content-Type", b"application/json"),
    ]
    reply = target.say(
        target.request(
            f"/-/access/v1/{path}".encode(),
            method=b"POST",
            fields=fields,
            body=json.dumps(said).encode(),
            username=None,
        )
    )
    return reply.status, json.loads(reply.body)


def proxied(target: Target, kind: str, *, username: str | None) -> Reply:
    """Ask about somebody's payslip as a proxy does."""
    told = {
        "Gateway-Proxy-Secret": SECRETS[kind],
        "X-Forwarded-Proto": "http",
        "X-Forwarded-For": "192.0.2.7",
    }
    path = b"/-/forward-auth"
    if kind == "ext-authz":
        path += OWN_PAYSLIP
    else:
        told |= {
            "X-Forwarded-Method": "GET",
            "X-Forwarded-Uri": OWN_PAYSLIP.decode(),
            "X-Forwarded-Host": target.host.decode(),
        }
    fields = [(name.encode(), value.encode()) for name, value in told.items()]
    return target.say(target.request(path, fields=fields, username=username))


def test_the_document_is_served_to_everybody(target: Target) -> None:
    reply = target.say(target.request(b"/-/openapi.json", username=None, accept=b"*/*"))

    assert (reply.status, json.loads(reply.body)) == (200, openapi_document())


@pytest.mark.timeout(300 if EXAMPLES == FEW else 7200)
def test_every_address_answers_as_it_is_described(target: Target, tmp_path: Path) -> None:
    schema, config = tmp_path / "openapi.json", tmp_path / "schemathesis.toml"
    schema.write_text(json.dumps(described()))
    text = CONFIG.read_text("utf-8")
    if EXAMPLES == FEW:
        text += CHECKED.format(names=json.dumps(LIKE_OTHERS))
    config.write_text(text)
    shown = {
        "GATEWAY_TOKEN": TOKEN,
        "GATEWAY_SESSION": target.token("auditor"),
        "GATEWAY_HOST": target.host.decode(),
        "GATEWAY_FORWARD_AUTH": SECRETS["forward-auth"],
        "GATEWAY_EXT_AUTHZ": SECRETS["ext-authz"],
    }
    program = str(Path(sys.executable).with_name("schemathesis"))
    words = ["--config-file", str(config), "run", str(schema), "--url", target.origin.decode()]
    ended = subprocess.run(
        [program, *words, "--max-examples", str(EXAMPLES)],
        env={**os.environ, **shown},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    paths = openapi_document()["paths"].values()
    operations = sum(len(item.keys() - {"parameters"}) for item in paths)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"Tested: {operations}" in ended.stdout


def test_who_may_do_something_is_found_page_by_page(target: Target) -> None:
    for username in ("firefighter", "watch-manager", "constable"):
        target.token(username)
    said: dict[str, Any] = {
        "subject": {"type": "staff"},
        "resource": {"type": "function", "id": "pay.slip"},
        "action": {"name": "read"},
        "page": {"limit": 1},
    }
    found: list[str] = []
    token: str | None = None
    while token != "":
        status, answer = asked(target, "search/subject", said)
        assert status == 200
        found += [each["id"] for each in answer["results"]]
        token = answer["page"]["next_token"]
        said["page"] = {"limit": 1, "token": token}

    assert len(set(found)) == len(found) >= 3
    for staff_id in found:
        question = {**said, "subject": {"type": "staff", "id": staff_id}}
        assert asked(target, "evaluation", question) == (200, {"decision": True})


def test_the_record_as_data_is_as_it_is_described(target: Target) -> None:
    reference = target.say(target.request()).values("gateway-reference")[0]
    assert target.rows([reference])
    reply = target.say(target.request(b"/-/audit?format=json", username="auditor"))
    document = openapi_document()
    answer = document["paths"]["/-/audit"]["get"]["responses"]["200"]
    schema = answer["content"]["application/json"]["schema"]
    told = json.loads(reply.body)

    assert len(told["entries"]) > 1
    Draft202012Validator({**schema, **document}).validate(told)


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("username", ["firefighter", None])
def test_a_proxy_is_answered_as_it_is_described(
    target: Target, kind: str, username: str | None
) -> None:
    document = openapi_document()
    path = "/-/forward-auth/{target}" if kind == "ext-authz" else "/-/forward-auth"
    reply = proxied(target, kind, username=username)
    answer = document["paths"][path]["get"]["responses"][str(reply.status)]

    assert (reply.status == 200) is (username is not None)
    assert reply.status in {200, 303, 401}
    for name, field in answer["headers"].items():
        values = reply.values(name)
        assert len(values) == 1 if field.get("required") else len(values) <= 1, name
        schema = {**field["schema"], "components": document["components"]}
        assert all(Draft202012Validator(schema).is_valid(each) for each in values), name
