"""Fronts before the gate, real ones, with the configuration that deploy/fronts has.

Only addresses and the places of files are put into it.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from deploy.demo.places import free_ports
from tests.doubles.front_proxies import nginx_around, program, running

CONFIGURATIONS: Final = Path(__file__).parents[2] / "deploy" / "fronts"


def placed(name: str, gate_port: int, port: int) -> str:
    """Give a configuration with the ports of a test."""
    written = (CONFIGURATIONS / name).read_text()
    return written.replace(":8080", f":{gate_port}").replace(":8443", f":{port}")


@contextlib.asynccontextmanager
async def haproxy(folder: Path, gate_port: int, name: str = "haproxy.cfg") -> AsyncIterator[int]:
    """Run HAProxy with the certificate `gate.pem` and its key from a folder; gives its port."""
    port = free_ports(1)[0]
    both = (folder / "gate.pem").read_bytes() + (folder / "gate.key").read_bytes()
    (folder / "both.pem").write_bytes(both)
    text = placed(name, gate_port, port).replace("/etc/haproxy/gate.pem", f"{folder}/both.pem")
    (folder / name).write_text(text)
    command = [program("haproxy"), "-db", "-f", str(folder / name)]
    async with running(command, folder, port):
        yield port


@contextlib.asynccontextmanager
async def nginx(folder: Path, gate_port: int) -> AsyncIterator[int]:
    """Run nginx likewise."""
    port = free_ports(1)[0]
    text = placed("nginx.conf", gate_port, port).replace("/etc/nginx/gate", f"{folder}/gate")
    async with nginx_around(folder, text, port):
        yield port
