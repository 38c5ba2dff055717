"""Other proxies before a back office, real ones, with the configuration that deploy/proxies has.

Only addresses, the secret and the places of files are put into it. The back office behind them
answers with what it was sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.demo.places import free_ports
from tests.doubles.raw_client import RawClient
from tests.doubles.scripted_upstream import Exchange, ScriptedUpstream

SECRET: Final = "0123456789abcdef0123456789abcdef"
CONFIGURATIONS: Final = Path(__file__).parents[2] / "deploy" / "proxies"
_PLACES: Final = ("/usr/local/sbin", "/usr/sbin", "/usr/local/bin", "/usr/bin")
_NO_ROUTE: Final = b"404 page not found\n"
_NGINX: Final = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  include {folder}/site.conf;
}}
"""


@dataclass
class ProxiedOffice:
    """A back office behind a proxy, and the way to it.

    Attributes:
        port: where the proxy listens.
        heads: of the requests that reached the back office.
        keeps_bodies_out: whether the proxy refuses the body of a GET.
    """

    port: int
    heads: list[bytes] = field(default_factory=list)
    keeps_bodies_out: bool = True

    async def ask(self, request: str, *, bodiless: bool = False) -> bytes:
        """Send a request through the proxy on a connection of its own; read the answer."""
        client = RawClient(*await asyncio.open_connection("127.0.0.1", self.port))
        try:
            await client.say(request.encode("latin-1"))
            return await asyncio.wait_for(client.answer(bodiless=bodiless), 10)
        finally:
            client.writer.close()

    def took(self) -> bytes:
        """Give the one head that reached the back office."""
        (head,) = self.heads
        return head


def program(name: str) -> str:
    """Find a program of the system, or of the virtual environment."""
    places = ":".join((str(Path(sys.executable).parent), *_PLACES))
    found = shutil.which(name, path=places)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed; run `make setup-test`")
    return found


@contextlib.asynccontextmanager
async def nginx(folder: Path, gate_port: int) -> AsyncIterator[ProxiedOffice]:
    """Run nginx."""
    async with _office() as (office, behind):
        written = (CONFIGURATIONS / "nginx.conf").read_text()
        site = (
            written.replace("127.0.0.1:8080", f"127.0.0.1:{gate_port}")
            .replace("127.0.0.1:9000", f"127.0.0.1:{behind}")
            .replace("127.0.0.1:8088", f"127.0.0.1:{office.port}")
            .replace("gateway-secret.conf", str(folder / "gateway-secret.conf"))
        )
        (folder / "gateway-secret.conf").write_text(
            f'proxy_set_header Gateway-Proxy-Secret "{SECRET}";\n'
        )
        async with nginx_around(folder, site, office.port):
            yield office


@contextlib.asynccontextmanager
async def nginx_around(folder: Path, site: str, port: int) -> AsyncIterator[None]:
    """Run nginx with what stands inside `http`, until it is done with."""
    (folder / "site.conf").write_text(site)
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder))
    command = [program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    async with running([*command, "-e", "stderr"], folder, port):
        yield


@contextlib.asynccontextmanager
async def caddy(folder: Path, gate_port: int) -> AsyncIterator[ProxiedOffice]:
    """Run Caddy."""
    async with _office() as (office, behind):
        written = (CONFIGURATIONS / "Caddyfile").read_text()
        (folder / "Caddyfile").write_text(
            written.replace("127.0.0.1:8080", f"127.0.0.1:{gate_port}")
            .replace("127.0.0.1:9000", f"127.0.0.1:{behind}")
            .replace(":8088", f":{office.port}")
            .replace("{file.gateway.secret}", f"{{file.{folder}/gateway.secret}}")
        )
        (folder / "gateway.secret").write_text(SECRET)
        command = [program("caddy"), "run", "--config", str(folder / "Caddyfile")]
        async with running(command, folder, office.port):
            yield office


@contextlib.asynccontextmanager
async def envoy(folder: Path, gate_port: int) -> AsyncIterator[ProxiedOffice]:
    """Run Envoy."""
    async with _office() as (office, behind):
        written = (CONFIGURATIONS / "envoy.yaml").read_text()
        (folder / "envoy.yaml").write_text(
            written.replace("127.0.0.1:8080", f"127.0.0.1:{gate_port}")
            .replace("port_value: 8080", f"port_value: {gate_port}")
            .replace("port_value: 9000", f"port_value: {behind}")
            .replace("port_value: 8088", f"port_value: {office.port}")
            .replace("GATEWAY-SECRET", SECRET)
        )
        command = [program("envoy"), "-c", str(folder / "envoy.yaml"), "--concurrency", "1"]
        async with running([*command, "--use-dynamic-base-id"], folder, office.port):
            yield office


@contextlib.asynccontextmanager
async def traefik(folder: Path, gate_port: int) -> AsyncIterator[ProxiedOffice]:
    """Run Traefik."""
    async with _office() as (office, behind):
        office.keeps_bodies_out = False
        written = (CONFIGURATIONS / "traefik-routes.toml").read_text()
        (folder / "traefik-routes.toml").write_text(
            written.replace("127.0.0.1:8080", f"127.0.0.1:{gate_port}")
            .replace("127.0.0.1:9000", f"127.0.0.1:{behind}")
            .replace("GATEWAY-SECRET", SECRET)
        )
        command = [
            program("traefik"),
            f"--entrypoints.web.address=127.0.0.1:{office.port}",
            f"--providers.file.filename={folder}/traefik-routes.toml",
            "--entrypoints.web.http.sanitizepath=false",
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
            "--log.level=ERROR",
        ]
        async with running(command, folder, office.port):
            async with asyncio.timeout(20):  # it listens before it has read its routes
                asked = "GET /-/ HTTP/1.1\r\nHost: gate\r\n\r\n"
                while (await office.ask(asked)).endswith(_NO_ROUTE):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            yield office


@contextlib.asynccontextmanager
async def _office() -> AsyncIterator[tuple[ProxiedOffice, int]]:
    """Open the back office; gives it, and its own port."""
    office = ProxiedOffice(port=free_ports(1)[0])

    async def script(exchange: Exchange) -> None:
        while True:
            head = await exchange.head()
            office.heads.append(head)
            await exchange.say(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\noffice")

    async with ScriptedUpstream(script) as behind:
        yield office, behind.port


@contextlib.asynccontextmanager
async def running(command: list[str], folder: Path, port: int) -> AsyncIterator[None]:
    """Run a server until it is done with; wait until it listens."""
    with (folder / "said").open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=said, stderr=said, cwd=folder
        )
        try:
            async with asyncio.timeout(20):
                while True:
                    with contextlib.suppress(OSError):
                        _, writer = await asyncio.open_connection("127.0.0.1", port)
                        writer.close()
                        break
                    if process.returncode is not None:
                        raise RuntimeError((folder / "said").read_text())
                    await asyncio.sleep(0.02)
            yield
        finally:
            process.terminate()
            await process.wait()
