"""Systems of a back office for tests: instances at addresses, on the running loop."""

import asyncio

from gateway.backoffice.instance_health import HealthRule
from gateway.backoffice.upstream import Upstream
from gateway.backoffice.upstream_address import NEVER, UpstreamAddress

RULE = HealthRule(failures=3, out_seconds=10)


def system_at(
    *addresses: tuple[str, UpstreamAddress],
    rule: HealthRule = RULE,
    host: str | None = None,
    look_path: str | None = None,
    least_loaded: bool = False,
    by_person: bool = False,
) -> Upstream:
    """Give a system with these instances: the origin and the address of each."""
    return Upstream(
        id="ebs",
        addresses=addresses,
        loop=asyncio.get_running_loop(),
        host=host,
        rule=rule,
        look_path=look_path,
        least_loaded=least_loaded,
        by_person=by_person,
    )


def address_of(
    port: int, *, first_byte_seconds: float = 1, total_seconds: float = NEVER
) -> tuple[str, UpstreamAddress]:
    """Give the origin and the address of an instance on this machine."""
    address = UpstreamAddress(
        host="127.0.0.1",
        port=port,
        tls=None,
        connect_seconds=1,
        first_byte_seconds=first_byte_seconds,
        idle_seconds=1,
        total_seconds=total_seconds,
        max_connections=8,
    )
    return f"http://127.0.0.1:{port}", address
