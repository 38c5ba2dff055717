"""Starting the service: what is wrong is found before the first worker starts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from gateway.errors import KeysError, ServeError
from gateway.front import serve
from gateway.front.worker import GatewayWorker
from gateway.store.engine import open_store, reading
from policies.errors import PolicyFileError
from tests.gateway.front.conftest import SettingsMaker
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
