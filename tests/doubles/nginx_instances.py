"""Instances of a system as nginx serves them: over TLS, for whoever shows a certificate.

Each answers with the number of the certificate it was shown, and its own port.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trustme

from deploy.demo.places import free_ports
from tests.doubles.front_proxies import program

_MAIN: Final = """\
daemon off;
master_process on;
worker_processes 1;
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
  ssl_certificate {folder}/server.pem;
  ssl_certificate_key {folder}/server.key;
  ssl_client_certificate {folder}/clients.pem;
  ssl_verify_client on;
  {servers}
}}
"""
_SERVER: Final = """
  server {{
    listen 127.0.0.1:{port} ssl;
    location / {{ return 200 "$ssl_client_serial {port}"; }}
  }}
"""


@dataclass(slots=True, kw_only=True)
class NginxInstances:
    """One nginx that listens for several instances."""

    folder: Path
    ports: tuple[int, ...]
    process: asyncio.subprocess.Process

    def certify(self, authority: trustme.CA, name: str) -> None:
        """Write its certificate, and whose clients it believes; see `reload`."""
        certify(self.folder, authority, name)

    def reload(self) -> None:
        """Have it read its files again, as on any machine: old workers end what they serve."""
        self.process.send_signal(signal.SIGHUP)


def certify(folder: Path, authority: trustme.CA, name: str) -> None:
    """Write what a server needs into a folder."""
    own = authority.issue_cert(name)
    own.cert_chain_pems[0].write_to_path(folder / "server.pem")
    own.private_key_pem.write_to_path(folder / "server.key")
    authority.cert_pem.write_to_path(folder / "clients.pem")


@contextlib.asynccontextmanager
async def nginx_instances(
    folder: Path, authority: trustme.CA, name: str, count: int
) -> AsyncIterator[NginxInstances]:
    """Run nginx until all its ports take connections, and end it afterwards."""
    ports = free_ports(count)
    certify(folder, authority, name)
    servers = "".join(_SERVER.format(port=port) for port in ports)
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder, servers=servers))
    process = await asyncio.create_subprocess_exec(
        program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"
    )
    try:
        async with asyncio.timeout(10):
            for port in ports:
                while True:
                    try:
                        _, writer = await asyncio.open_connection("127.0.0.1", port)
                    except OSError:
                        await asyncio.sleep(0.02)
                    else:
                        writer.close()
                        break
        yield NginxInstances(folder=folder, ports=ports, process=process)
    finally:
        process.terminate()
        await process.wait()
