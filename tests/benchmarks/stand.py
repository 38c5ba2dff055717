"""The stand of the group `gate`: all servers started on free ports, and all of them ended.

Everything lies in a folder of its own below var/bench, which is removed at the end and kept if
something went wrong. Nothing listens outside the loopback.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.demo.places import PROJECT, Places, free_ports
from deploy.demo.processes import Child
from deploy.demo.stack import DemoError, listens
from tests.benchmarks import servers
from tests.benchmarks.gate_server import ACCEPT, TARGET, USERNAME, GateStack, basic
from tests.benchmarks.load import Asked
from tests.benchmarks.report import Say

READY_SECONDS = 20.0
POLL_SECONDS = 0.05


@dataclass(slots=True, kw_only=True)
class Contender:
    """A server that is measured: what is asked of it, and its processes."""

    asked: Asked
    pids: Callable[[], tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """The servers, in the order of their turns.

    Attributes:
        folder: of this run.
        record: folder of the gate's record.
        checkpoint: file with the signed head of that record.
        contenders: by the name they have in the figures.
    """

    folder: Path
    record: Path
    checkpoint: Path
    contenders: dict[str, Contender]


@contextmanager
def standing(say: Say) -> Iterator[Stand]:
    """Start all servers; whatever happens inside, none of them outlives it.

    Raises:
        DemoError: a server does not start; the message holds what it said.
        MissingProgramError: a program is not installed.
    """
    servers.program("wrk", "wrk")
    with ExitStack() as stack:
        folder = stack.enter_context(_folder_of_run(say))
        # Apache drops to an account that may not be able to look into the folder of the project.
        open_folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        open_folder.chmod(0o755)
        places = Places.choose(folder / "gate", None, with_providers=False)
        upstream = places.back_office_port
        pages = servers.back_office(folder / "back-office", upstream)
        gate = GateStack(places=places, say=say, back_office=pages)
        stack.callback(gate.stop)
        gate.start()
        nginx_port, apache_port = free_ports(2)
        proxy = servers.nginx_proxy(folder / "nginx", nginx_port, upstream)
        nginx = stack.enter_context(_running("nginx", proxy, nginx_port, folder))
        guarded = servers.apache_with_ldap(open_folder, apache_port, upstream, gate.ldap)
        apache = stack.enter_context(_running("Apache", guarded, apache_port, folder))
        say("nginx and Apache are there")
        secret = basic(USERNAME, gate.accounts.password)
        yield Stand(
            folder=folder,
            record=places.record,
            checkpoint=gate.checkpoint,
            contenders={
                "nginx": Contender(asked=_asked("nginx", nginx_port), pids=lambda: (nginx.pid,)),
                "gate": Contender(asked=gate.signed_in(), pids=lambda: gate.gate_pids),
                "apache_ldap": Contender(
                    asked=_asked("Apache", apache_port, Authorization=secret),
                    pids=lambda: (apache.pid,),
                ),
            },
        )


@contextmanager
def _folder_of_run(say: Say) -> Iterator[Path]:
    """Make a folder on the disk of the project, and remove it unless something goes wrong."""
    parent = PROJECT / "var" / "bench"
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=parent))
    try:
        yield folder
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except BaseException:
        say(f"what the servers said is in {folder}")
        raise
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(title: str, command: list[str], port: int, folder: Path) -> Iterator[Child]:
    """Run a server, from when it listens until the end."""
    child = Child(title=title, command=command, log=folder / f"{title}.log", folder=folder)
    try:
        child.start()
        _wait_for(child, port)
        yield child
    finally:
        child.ask_to_end()
        child.end()


def _asked(title: str, port: int, **headers: str) -> Asked:
    return Asked(
        title=title,
        port=port,
        target=TARGET,
        headers={"Host": f"localhost:{port}", "Accept": ACCEPT, **headers},
    )


def _wait_for(child: Child, port: int) -> None:
    latest = time.monotonic() + READY_SECONDS
    while not listens(port):
        if child.exit_code is not None or time.monotonic() > latest:
            message = f"{child.title} does not start:\n{child.last_words()}"
            raise DemoError(message)
        time.sleep(POLL_SECONDS)
