"""The group `peers`: the gate beside what else people put before a back office, in the same run.

Bare nginx, the gate, Apache with LDAP, and, each where its package is installed: Apache with
mod_auth_openidc, Envoy with ext_authz, Caddy with forward_auth, LemonLDAP::NG with nginx. What is
missing is told and left out. The servers take turns at 32 connections; a ratio is made within a
repetition. None but bare nginx gives the page to who sends no cookie and no password: that is
asked before.

The peers check less than the gate does: a session, LemonLDAP::NG also a rule. What Envoy and Caddy
ask is the cheapest server there is (`peer_servers`), which counts as theirs.

    peers.gate_ratio_to_NAME    requests/s, gate over that server
    peers.NAME_rps              of that server, and of the gate
    peers.NAME_p50_ms, _p99_ms  latency at these 32 connections
    peers.NAME_cpu_s_per_10k    CPU seconds of all its processes for 10,000 requests
"""

from __future__ import annotations

import http.client
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from deploy.demo.places import free_ports
from deploy.demo.stack import DemoError
from tests.benchmarks import peer_servers
from tests.benchmarks.footprint import NotSettledError, cpu_seconds, wait_until_sealed
from tests.benchmarks.gate_server import TARGET, USERNAME, GateStack
from tests.benchmarks.group import run_group
from tests.benchmarks.lemonldap import lemonldap, sign_in
from tests.benchmarks.load import Asked, WrongAnswersError, run_wrk
from tests.benchmarks.open_loop import answer_size
from tests.benchmarks.quick_provider import QuickProvider
from tests.benchmarks.report import Say, say
from tests.benchmarks.results import COMPARED_REPETITIONS
from tests.benchmarks.servers import MissingProgramError, page
from tests.benchmarks.stand import Ground, Stand, nginx_gate_and_apache, standing

CONNECTIONS = 32
SECONDS = 5
WARM_SECONDS = 2
NGINX, GATE = "nginx", "gate"
PROOFS = frozenset({"Cookie", "Authorization"})
STRANGER_SECONDS = 10
TARGETS = {"peers.gate_cpu_s_per_10k": "later <= 1.0", "peers.gate_ratio_to_apache_ldap": ">= 1.0"}
Figures = dict[str, list[float]]


def measure(say: Say, repetitions: int) -> Figures:
    """Start the servers, measure, and end them.

    Args:
        say: tells a person how far it has come.
        repetitions: of everything.

    Returns:
        For each figure its value in each repetition.

    Raises:
        MissingProgramError: nginx, Apache, slapd or wrk is not installed.
        DemoError: a server does not start.
        WrongAnswersError: a server answered something else than the page.
    """
    figures: Figures = defaultdict(list)
    with standing(say, _all_there_are) as stand:
        for name, contender in stand.contenders.items():
            if name != NGINX:
                demand_refusal(contender.asked, page())
            size = answer_size(contender.asked, page())
            contender.asked = replace(contender.asked, answer_bytes=size)
            run_wrk(contender.asked, stand.folder, connections=CONNECTIONS, seconds=WARM_SECONDS)
            wait_until_sealed(stand.checkpoint)
        for number in range(1, repetitions + 1):
            say(f"repetition {number} of {repetitions}")
            _take_turns(stand, figures, say)
    return figures


def _take_turns(stand: Stand, figures: Figures, say: Say) -> None:
    rps: dict[str, float] = {}
    for name, contender in stand.contenders.items():
        before = cpu_seconds(contender.pids())
        seen = run_wrk(contender.asked, stand.folder, connections=CONNECTIONS, seconds=SECONDS)
        wait_until_sealed(stand.checkpoint)
        cpu = (cpu_seconds(contender.pids()) - before) * 10_000 / seen.requests
        rps[name] = seen.rps
        figures[f"peers.{name}_rps"].append(seen.rps)
        figures[f"peers.{name}_p50_ms"].append(seen.p50_ms)
        figures[f"peers.{name}_p99_ms"].append(seen.p99_ms)
        figures[f"peers.{name}_cpu_s_per_10k"].append(cpu)
        say(
            f"  {contender.asked.title}: {seen.rps:,.0f} requests/s,"
            f" p50 {seen.p50_ms:.2f} ms, p99 {seen.p99_ms:.2f} ms, CPU {cpu:.2f} s/10,000"
        )
    for name in rps.keys() - {GATE}:
        figures[f"peers.gate_ratio_to_{name}"].append(rps[GATE] / rps[name])


def demand_refusal(asked: Asked, body: bytes) -> None:
    """Ask without what tells who asks.

    Args:
        asked: what is asked of which server.
        body: the page, which must not come.

    Raises:
        WrongAnswersError: if it is given all the same: the server guards nothing.
    """
    connection = http.client.HTTPConnection("127.0.0.1", asked.port, timeout=STRANGER_SECONDS)
    try:
        headers = {name: value for name, value in asked.headers.items() if name not in PROOFS}
        connection.request("GET", asked.target, headers=headers)
        answer = connection.getresponse()
        told = answer.read()
        if answer.status == http.client.OK or told == body:
            message = f"{asked.title}: answered {answer.status} to somebody it does not know"
            raise WrongAnswersError(message)
    finally:
        connection.close()


def _all_there_are(ground: Ground) -> None:
    gate = nginx_gate_and_apache(ground)
    put_lemonldap = partial(_put_lemonldap, gate)
    for put in (_put_apache_with_openidc, _put_envoy, _put_caddy, put_lemonldap):
        put_if_there(put, ground)


def put_if_there(put: Callable[[Ground], None], ground: Ground) -> None:
    """Put a server, or tell that it is left out and what brings it."""
    try:
        put(ground)
    except MissingProgramError as error:
        ground.say(f"left out: {error}")


def _put_apache_with_openidc(ground: Ground) -> None:
    (port,) = free_ports(1)
    provider = ground.stack.enter_context(QuickProvider().serving())
    command = peer_servers.apache_with_openidc(
        ground.open_folder, port, ground.upstream, provider.issuer
    )
    name = "mod_auth_openidc"
    ground.put(name, "Apache with mod_auth_openidc", port, command)
    _carry(ground, name, provider.sign_in(port, TARGET))


def _put_envoy(ground: Ground) -> None:
    port, asked = free_ports(2)
    command = peer_servers.envoy(ground.folder / "envoy", port, asked, ground.upstream)
    _put_asking(ground, "envoy_ext_authz", "Envoy with ext_authz", (port, asked), command)


def _put_caddy(ground: Ground) -> None:
    port, asked = free_ports(2)
    command = peer_servers.caddy(ground.folder / "caddy", port, asked, ground.upstream)
    _put_asking(ground, "caddy_forward_auth", "Caddy with forward_auth", (port, asked), command)


def _put_lemonldap(gate: GateStack, ground: Ground) -> None:
    """Put nginx with the handler beside it; who signs in is whom the gate let in, by password."""
    (port,) = free_ports(1)
    made = lemonldap(ground.open_folder / "lemonldap", port, ground.upstream, gate.ldap, USERNAME)
    beside = ground.run("lemonldap-uwsgi", made.socket, made.application)
    name = "lemonldap"
    ground.put(name, "nginx with LemonLDAP::NG", port, made.front, (beside,))
    _carry(ground, name, sign_in(port, USERNAME, gate.accounts.password))


def _carry(ground: Ground, name: str, cookie: str) -> None:
    """Have the load carry a session."""
    contender = ground.contenders[name]
    headers = {**contender.asked.headers, "Cookie": cookie}
    contender.asked = replace(contender.asked, headers=headers)


def _put_asking(
    ground: Ground, name: str, title: str, ports: tuple[int, int], command: list[str]
) -> None:
    """Put a server that asks another, and that one."""
    port, asked = ports
    check = peer_servers.check(ground.folder / f"asked by {title}".replace(" ", "-"), asked)
    beside = ground.run(f"asked-by-{name}", asked, check)
    ground.put(name, title, port, command, (beside,), Cookie=peer_servers.COOKIE)


if __name__ == "__main__":
    sys.exit(
        run_group(
            "peers",
            lambda repetitions: measure(say, repetitions),
            targets=TARGETS,
            failures=(DemoError, MissingProgramError, NotSettledError, WrongAnswersError),
            repetitions=COMPARED_REPETITIONS,
        )
    )
