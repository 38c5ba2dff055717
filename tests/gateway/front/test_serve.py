"""Starting the service: what is wrong is found before the first worker starts."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import trustme

from deploy.demo.places import free_ports
from gateway.entrance.certificates import CertificateFiles
from gateway.errors import KeysError, ServeError, UpstreamError
from gateway.front import serve
from gateway.front.worker import GatewayWorker
from gateway.store.engine import open_store, reading
from policies.errors import PolicyFileError
from tests.doubles.raw_client import RawClient
from tests.gateway.entrance.entrance import Issued
from tests.gateway.front.conftest import SettingsMaker
from tests.gateway.stand import field_of, status_of
from tests.policies.people import LIBRARY


def listening(address: str) -> tuple[str, str]:
    return "[gateway]\n", f'[gateway]\nlisten = "{address}"\n'


def test_a_port_in_use_is_named_with_the_remedy(make_settings: SettingsMaker) -> None:
    """The store is migrated on the way, so that a worker finds the schema it knows."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = make_settings(listening(f"127.0.0.1:{port}"), store=False)
        with pytest.raises(ServeError, match=rf"`127.0.0.1:{port}` is in use .* change `listen`"):
            serve.run(settings)

    store = open_store(settings.store_url)
    with reading(store) as connection:
        tables = connection.exec_driver_sql("SELECT name FROM sqlite_master").scalars().all()
    store.dispose()
    assert "session" in tables


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("192.0.2.1:8080", "Cannot assign requested address"),
        ("[2001:db8::1]:8080", "(Cannot assign|Network is unreachable|not supported)"),
    ],
)
def test_an_address_that_is_not_ours_is_named_with_the_reason(address: str, reason: str) -> None:
    host, _, port = address.rpartition(":")

    with pytest.raises(ServeError, match=rf"serve: cannot listen on .*: {reason}"):
        serve._demand_free_port(host.strip("[]"), int(port))


@pytest.mark.parametrize("lacks", ["policy", "keys"])
def test_what_the_settings_name_must_be_there(make_settings: SettingsMaker, lacks: str) -> None:
    changes = [(str(LIBRARY), str(LIBRARY.parent))] if lacks == "policy" else []
    settings = make_settings(*changes, keys=lacks != "keys")

    with pytest.raises((PolicyFileError, KeysError)) as refused:
        serve.run(settings)
    assert isinstance(refused.value, PolicyFileError if lacks == "policy" else KeysError)


def test_certificates_for_a_system_must_be_there_too(
    make_settings: SettingsMaker, tmp_path: Path
) -> None:
    (tmp_path / "office.pem").write_text("nothing")
    https = 'url = "https://127.0.0.1:9000"\nca_file = "office.pem"'
    settings = make_settings(('url = "http://127.0.0.1:9000"', https), store=False)

    with pytest.raises(UpstreamError, match=r"upstream: ebs: `.*office\.pem` cannot be used"):
        serve.run(settings)


def test_a_port_just_left_can_be_taken_again() -> None:
    """Connections of the last run still linger; a restart need not wait for them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = listener.accept()
        accepted.close()
    client.close()

    serve._demand_free_port("127.0.0.1", port)

    with socket.create_server(("127.0.0.1", port)) as again:
        assert again.getsockname()[1] == port


def test_gunicorn_manages_our_workers_and_listens_to_nothing_else(
    make_settings: SettingsMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--workers 9 --bind 0.0.0.0:1")
    (tmp_path / "gunicorn.conf.py").write_text("workers = 7")
    monkeypatch.chdir(tmp_path)
    settings = make_settings(
        listening("127.0.0.1:8123"), ("[gateway]\n", "[gateway]\nworkers = 3\n")
    )
    application = serve._Application(settings)

    options = application.cfg
    assert (options.bind, options.workers) == (["127.0.0.1:8123"], 3)
    assert options.worker_class is GatewayWorker
    assert options.control_socket_disable is True
    assert options.graceful_timeout > settings.gateway.drain_seconds
    application.load()


# ---- TLS by the gateway itself, the whole service ------------------------------------------------


# Every such name is the loopback; of `localhost` itself browsers are told nothing for later.
NAME = "gate.localhost"


class Service:
    """`gateway serve` with one worker and a certificate of its own."""

    def __init__(self, folder: Path, make_settings: SettingsMaker) -> None:
        self.port, self.plain_port = free_ports(2)
        files = CertificateFiles(
            certificate=folder / "gate.pem", key=folder / "gate.key", host=NAME
        )
        self.tls = Issued(files=files, authority=trustme.CA())
        self.tls.issue(NAME)
        (folder / "ca-of-gate.pem").write_bytes(self.tls.authority.cert_pem.bytes())
        listening = (
            f'[tls]\ncertificate_file = "gate.pem"\nkey_file = "gate.key"\n'
            f'redirect_listen = "127.0.0.1:{self.plain_port}"\n'
            f'[gateway]\norigin = "https://{NAME}:{self.port}"\n'
            f'listen = "127.0.0.1:{self.port}"\nsource_requests_per_second = 100000\nworkers = 1\n'
        )
        make_settings(('[gateway]\norigin = "http://localhost:8080"\n', listening))
        command = [sys.executable, "-c", "from gateway.cli.main import main; main()", "serve"]
        self.said = folder / "said"
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [*command, "--config", str(folder / "gateway.toml")], stderr=said, stdout=said
            )

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(30):
            while not holds():
                assert self.process.poll() is None, self.said.read_text()
                await asyncio.sleep(0.05)

    def events(self, event: str) -> list[dict[str, object]]:
        lines = [line for line in self.said.read_text().splitlines() if line.startswith("{")]
        return [said for line in lines if (said := json.loads(line))["event"] == event]

    @property
    def workers(self) -> set[int]:
        return {each.pid for each in psutil.Process(self.process.pid).children()}

    async def client(self) -> RawClient:
        made = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=self.tls.believer(), server_hostname=NAME
        )
        return RawClient(*made, host=f"{NAME}:{self.port}")


async def test_certificates_come_and_go_in_the_running_service_and_no_request_fails(
    tmp_path: Path, make_settings: SettingsMaker
) -> None:
    service = Service(tmp_path, make_settings)
    stop = asyncio.Event()
    answered = [0, 0]

    async def staying() -> None:
        client = await service.client()
        while not stop.is_set():
            assert status_of(await client.get("/-/health")) == 200
            answered[0] += 1
        client.writer.close()

    async def coming() -> None:
        while not stop.is_set():
            client = await service.client()
            assert status_of(await client.get("/-/health")) == 200
            answered[1] += 1
            client.writer.close()

    try:
        await service.until(lambda: service.events("serving"))
        workers = service.workers
        clients = [asyncio.ensure_future(each()) for each in (staying, staying, coming)]

        # at once, when it is told to look
        service.tls.issue(NAME)
        service.process.send_signal(signal.SIGHUP)
        in_use = "new certificate in use"
        await service.until(lambda: len(service.events(in_use)) == 2)  # the master holds it too

        # by itself, within seconds; broken, it is refused and nothing happens
        service.tls.files.key.write_text("broken")
        refused = "new certificate refused, the old one stays"
        await service.until(lambda: service.events(refused))
        assert service.workers == workers

        await service.until(lambda: min(answered) > 10)
        stop.set()
        await asyncio.gather(*clients)

        # a worker that is started meanwhile begins with what the others show
        os.kill(next(iter(workers)), signal.SIGTERM)
        await service.until(lambda: len(service.events("serving")) == 2)
        assert status_of(await (await service.client()).get("/-/health")) == 200
    finally:
        stop.set()
        strangers = await asyncio.to_thread(strangers_tools, service)
        service.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(service.process.wait, 20)

    protocol, moved, strict, old = strangers
    assert "TLSv1.3" in protocol
    assert field_of(moved, "Location") == f"https://{NAME}:{service.port}/a?b"
    assert field_of(strict, "Strict-Transport-Security") == "max-age=63072000"
    assert status_of(strict) == 401
    assert old != 0


def strangers_tools(service: Service) -> tuple[str, bytes, bytes, int]:
    """See the service as `openssl s_client` and `curl` see it."""

    def run(*command: str) -> subprocess.CompletedProcess[bytes]:
        ca = str(service.tls.files.key.parent / "ca-of-gate.pem")
        told = [each.replace("CA", ca) if each == "CA" else each for each in command]
        return subprocess.run(told, capture_output=True, input=b"", timeout=20, check=False)

    here = f"{NAME}:{service.port}"
    client = ("openssl", "s_client", "-connect", f"127.0.0.1:{service.port}", "-servername", NAME)
    shown = run(*client, "-CAfile", "CA", "-verify_return_error", "-verify_hostname", NAME)
    curl = ("curl", "-s", "-i", "--cacert", "CA")
    moved = run(*curl, f"http://{NAME}:{service.plain_port}/a?b").stdout
    strict = run(*curl, f"https://{here}/-/portal").stdout
    old = run(*client, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    return shown.stdout.decode(), moved, strict, old.returncode
