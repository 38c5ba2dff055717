"""What a system is told of who asks: for each function what it expects, of nobody but the asker."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from gateway.backoffice.accounts import AccountRule, Accounts
from gateway.backoffice.assertion import AssertionMint
from gateway.backoffice.transport import ExchangeError
from gateway.front.told_identity import (
    SystemProfile,
    ToldFields,
    identity_of,
    is_told_alike,
    profile_of,
)
from gateway.settings_upstreams import UpstreamSection
from gateway.system_hosts import SystemHost
from tests.gateway.identity.parts import AT, new_parts
from tests.gateway.visits import new_visit, request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.identity.sessions.live_session import LiveSession
    from gateway.proxy_asking import ProxyAsking
    from gateway.visit import Grant

KEY = OKPKey.generate_key("Ed25519", {"kid": "k1"})
RULES = {"cheshire-fire": AccountRule(source="username", letters="upper", prefix="CF_")}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSession]:
    with new_parts(tmp_path_factory.mktemp("parts")) as parts:
        token, _ = parts.sign_in()
        found = parts.cache.load(token, at=AT)
        assert found is not None
        yield found


def mint() -> AssertionMint:
    return AssertionMint(
        issuer="http://gate", key=KEY, public_keys=KeySet([KEY]), clock=lambda: 1_800_000_000
    )


def system(**said: object) -> SystemProfile:
    base = {"id": "ebs", "url": "http://127.0.0.1:1", "audience": "ebs", "paths": ["/"]}
    return profile_of(UpstreamSection.model_validate({**base, **said}))


def granted(function: str) -> Grant:
    match = SimpleNamespace(function=SimpleNamespace(id=function))
    return cast("Grant", SimpleNamespace(match=match))


def told(
    profile: SystemProfile,
    live: LiveSession,
    function: str = "pay.slip",
    *,
    target: bytes = b"/x",
    proxy: bool = False,
) -> dict[bytes, bytes]:
    visit = new_visit(request(target=target), live=live)
    if proxy:
        visit.asking = cast("ProxyAsking", SimpleNamespace(ip="10.9.9.9"))
    fields = identity_of(profile, mint())(visit, granted(function), live)
    assert len(dict(fields)) == len(fields)
    return dict(fields)


def claims(fields: dict[bytes, bytes]) -> dict[str, object]:
    token = fields[b"Gateway-Assertion"].decode()
    return dict(jwt.decode(token, KEY, algorithms=["EdDSA"]).claims)


def test_an_access_gate_is_told_the_account_and_its_guid(tmp_path: Path, live: LiveSession) -> None:
    table = tmp_path / "ebs.csv"
    table.write_text(f"staff_id,account,guid\n{live.subject.staff_id},ALICE.CF,1F2E\n")
    names = {
        "USER_NAME": "account",
        "USER_ORCLGUID": "account_guid",
        "REMOTE_IP": "client_address",
    }
    profile = SystemProfile(
        id="ebs",
        audience="ebs",
        fields=ToldFields(claims=names),
        accounts=Accounts("ebs", rules=RULES, file=table),
    )

    fields = told(profile, live)

    assert claims(fields)["account"] == "ALICE.CF"
    del fields[b"Gateway-Assertion"]
    assert fields == {
        b"USER_NAME": b"ALICE.CF",
        b"USER_ORCLGUID": b"1F2E",
        b"REMOTE_IP": b"10.1.2.3",
    }


def test_whoever_is_nobody_there_or_has_no_guid_that_is_expected_is_refused(
    tmp_path: Path, live: LiveSession
) -> None:
    table = tmp_path / "ebs.csv"
    table.write_text("staff_id,account,guid\n")
    rule = {"organisation": "cheshire-fire", "letters": "upper", "prefix": "CF_"}
    guid = system(
        identity_headers={"USER_ORCLGUID": "account_guid"},
        accounts={"file": table, "rule": [rule]},
    )
    stranger = system(accounts={"rule": [{**rule, "organisation": "other"}]})

    assert told(system(accounts={"rule": [rule]}), live).keys() == {b"Gateway-Assertion"}
    for profile in (guid, stranger):
        with pytest.raises(ExchangeError, match="no-account") as caught:
            told(profile, live)
        assert caught.value.status == 403


def test_a_function_has_fields_of_its_own_beside_and_instead_of_the_systems(
    live: LiveSession,
) -> None:
    profile = system(
        identity_headers={"EBS-User": "username", "EBS-Org": "organisation"},
        fixed_headers={"EBS-Node": "internal"},
        function_headers=[
            {
                "functions": ["pay.slip"],
                "identity_headers": {"EBS-Employee": "employee_number"},
                "fixed_headers": {"EBS_USER": "SELF SERVICE"},
            }
        ],
    )

    own, other = told(profile, live), told(profile, live, "hr.sit")
    asked = told(profile, live, "hr.sit", proxy=True)

    for fields in (own, other, asked):
        del fields[b"Gateway-Assertion"]
    usual = {b"EBS-User": b"alice", b"EBS-Org": b"cheshire-fire", b"EBS-Node": b"internal"}
    assert other == usual
    assert own == {
        b"EBS_USER": b"SELF SERVICE",
        b"EBS-Org": b"cheshire-fire",
        b"EBS-Node": b"internal",
        b"EBS-Employee": live.subject.employee_number.encode(),
    }
    # Else the proxy would send on what the client wrote under that name.
    assert asked == {**usual, b"EBS-Employee": b""}


def test_an_assertion_that_is_bound_holds_for_one_method_path_and_query(live: LiveSession) -> None:
    bound = system(bind_assertion=True)

    seen = [claims(told(bound, live, target=each)) for each in (b"/x?a=1", b"/x?a=1", b"/x?a=2")]

    asked = hashlib.sha256(b"GET /x?a=1").digest()
    assert seen[0]["request"] == base64.urlsafe_b64encode(asked).decode().rstrip("=")
    assert seen[0]["request"] == seen[1]["request"] != seen[2]["request"]
    assert len({each["jti"] for each in seen}) == 3
    assert "request" not in claims(told(system(), live))


def test_a_system_that_takes_the_assertion_alone_is_asked_for_nothing_more(
    live: LiveSession,
) -> None:
    """What others use costs it nothing: that is settled once."""
    alone = identity_of(system(), mint())

    assert cast("SimpleNamespace", alone).__name__ == "assertion_alone"
    assert told(system(), live).keys() == {b"Gateway-Assertion"}


def test_a_system_with_a_host_is_told_by_which_name_it_was_reached() -> None:
    section = UpstreamSection(id="fleet", url="http://127.0.0.1:1", audience="fleet", paths=("/",))
    host = SystemHost(system="fleet", origin="https://fleet.gate", main="https://gate")

    assert profile_of(section).fields.fixed == {}
    assert profile_of(section, host).fields.fixed == {
        "X-Forwarded-Host": "fleet.gate",
        "X-Forwarded-Proto": "https",
    }


@pytest.mark.parametrize(
    "said",
    [
        {"identity_headers": {"X-User": "username"}},
        {"fixed_headers": {"X-Site": "a"}},
        {"bind_assertion": True},
    ],
)
def test_all_requests_of_a_session_are_told_alike_where_there_is_the_assertion_alone(
    said: dict[str, object],
) -> None:
    assert is_told_alike(system())
    assert not is_told_alike(system(**said))
