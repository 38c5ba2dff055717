"""Starting the service: everything that can be wrong is found before the first worker starts."""

from __future__ import annotations

import errno
import signal
import socket
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from typing_extensions import override

from gateway.audit.disk import Disk
from gateway.errors import ServeError
from gateway.front.entrance_parts import served_certificate
from gateway.front.fair_share import ConnectionCounts
from gateway.front.upstream_parts import upstream_addresses
from gateway.front.worker import GatewayWorker
from gateway.keys import KeyRing
from gateway.operational_log import configure_operational_log
from gateway.policy_versions import read_in_force
from gateway.settings_entrance import host_and_port
from gateway.store.engine import open_store
from gateway.store.migration import migrate
from policies.policy_set import load_policy_set

if TYPE_CHECKING:
    from gateway.entrance.certificates import ServedCertificate
    from gateway.settings import Settings


class _Master(Arbiter):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's master process, to which SIGHUP means: look at the certificate now."""

    @override
    def handle_hup(self) -> None:
        """Have every worker look; none is replaced, so that no request notices."""
        self.app.refresh_certificate()
        self.kill_workers(signal.SIGHUP)


class _Application(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """Tells gunicorn what it needs to know."""

    def __init__(self, settings: Settings, certificate: ServedCertificate | None = None) -> None:
        self.settings = settings
        self.certificate = certificate
        self.connection_counts = ConnectionCounts()
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's options; whatever it reads from the environment or files is not asked."""
        gateway = self.settings.gateway
        options: dict[str, Any] = {
            "bind": self.addresses,
            "workers": gateway.workers,
            "worker_class": GatewayWorker,
            "backlog": 2048,
            "graceful_timeout": int(gateway.drain_seconds) + 5,
            "timeout": 30,
            "control_socket_disable": True,
            "proc_name": "gateway",
            "loglevel": "warning",
            # A worker begins with what its master holds: a file that is broken then stops nobody.
            "pre_fork": lambda _, __: self.refresh_certificate(),
            # also of a worker that was killed
            "child_exit": lambda _, worker: self.connection_counts.leave(worker.age),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    @property
    def addresses(self) -> list[str]:
        """List where to listen, in the order of `entrance.reception.Way`."""
        tls = self.settings.tls
        redirect = tls.redirect_listen if tls else None
        return [each for each in (self.settings.gateway.listen, redirect) if each]

    def refresh_certificate(self) -> None:
        """Look whether there is a new certificate, for the workers that are started from now on."""
        if self.certificate is not None:
            self.certificate.refresh()

    @override
    def run(self) -> None:
        """Serve until stopped."""
        _Master(self).run()

    def load(self) -> None:
        """Give no WSGI application: the worker puts together what it serves."""


def run(settings: Settings) -> None:
    """Serve until stopped.

    Raises:
        ServeError: a port is in use or cannot be listened on, or the certificate cannot be used.
        PolicyFileError, KeysError, StoreError, UpstreamError: what the settings name does not hold.
    """
    configure_operational_log(settings.operational_log)
    KeyRing.open(settings.keys.directory)
    for system in settings.upstreams:
        upstream_addresses(system)
    application = _Application(settings, served_certificate(settings))
    if not settings.gateway.state_directory.is_dir():
        Disk().make_directory(settings.gateway.state_directory)
    store = open_store(settings.store_url)
    migrate(store)
    try:
        if read_in_force(store) is None:
            load_policy_set(settings.policy.directory)
    finally:
        store.dispose()
    for address in application.addresses:
        _demand_free_port(*host_and_port(address))
    application.run()


def _demand_free_port(host: str, port: int) -> None:
    """Find out now, and not after gunicorn's five tries, whether the port is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            where = f"`{host}:{port}`"
            if error.errno == errno.EADDRINUSE:
                message = f"serve: {where} is in use by another program; stop it or change `listen`"
            else:
                message = f"serve: cannot listen on {where}: {error.strerror}"
            raise ServeError(message) from error
