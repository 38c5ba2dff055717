"""An instance of a system in a process of its own, so that it can be killed; it counts requests.

Run with a port and a file: each request that it has read is a line there before it is answered, so
that two instances that share the file show what was done twice. `/status/500` is answered with 500,
`/slow` after a tenth of a second, `/never` not at all.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from deploy.demo.places import PROJECT, free_ports


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, log: int) -> None:
    port = writer.get_extra_info("sockname")[1]
    while True:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            return
        method, path, _ = head.split(" ", 2)
        length = head.lower().partition("content-length: ")[2].partition("\r\n")[0]
        await reader.readexactly(int(length or 0))
        os.write(log, f"{port} {method} {path}\n".encode())
        if path.startswith("/never"):
            continue
        if path.startswith("/slow"):
            await asyncio.sleep(0.1)
        status = int(path.rpartition("/")[2]) if path.startswith("/status/") else 200
        body = b"" if method == "HEAD" else b"%d" % port
        length_field = b"Content-Length: %d\r\n\r\n" % len(b"%d" % port)
        writer.write(b"HTTP/1.1 %d Said\r\n" % status + length_field + body)


async def _main(port: int, file: str) -> None:
    log = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    server = await asyncio.start_server(lambda r, w: _serve(r, w, log), "127.0.0.1", port)
    await server.serve_forever()


class InstanceProcess:
    """One instance; its port stays its own when it is started again."""

    def __init__(self, log: Path) -> None:
        self.port = free_ports(1)[0]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, without waiting until it listens."""
        words = [sys.executable, "-m", __name__, str(self.port), str(self._log)]
        self._process = subprocess.Popen(words, cwd=PROJECT)

    async def until_listening(self) -> None:
        """Wait until it takes connections."""
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.01)
                else:
                    writer.close()
                    return

    def kill(self) -> None:
        """End it as a power cut does to a process: nothing is finished, nobody is told."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), sys.argv[2]))
