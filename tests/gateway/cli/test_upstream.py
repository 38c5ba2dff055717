"""`gateway upstream`: how systems are, and instances that are taken out and given back."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from gateway.backoffice.drained_instances import drained_instances
from gateway.store.engine import reading
from tests.gateway.cli.place import Place


class Health(BaseHTTPRequestHandler):
    """Is well, and is never asked for anything else."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def ports(place: Place) -> Iterator[tuple[int, int]]:
    """Give the system two instances: one is well, nobody is at the other."""
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))  # and never listening
        server = ThreadingHTTPServer(("127.0.0.1", 0), Health)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        there, gone = server.server_port, int(bound.getsockname()[1])
        text = place.config.read_text()
        urls = f'urls = ["http://127.0.0.1:{there}", "http://127.0.0.1:{gone}"]'
        text = text.replace('url = "http://127.0.0.1:9000"', f'{urls}\nhealth_path = "/health"')
        place.config.write_text(text)
        yield there, gone
        server.shutdown()
        server.server_close()


def drained(place: Place) -> set[str]:
    with reading(place.store) as connection:
        return set(drained_instances(connection).get("ebs", ()))


def test_every_instance_is_listed_with_what_it_answers(
    place: Place, ports: tuple[int, int]
) -> None:
    there, gone = (f"http://127.0.0.1:{port}" for port in ports)
    assert place.run("upstream", "drain", "ebs", gone).code == 0
    rows = json.loads(place.run("upstream", "list", "--json").out)
    shown = place.run("upstream", "list")

    assert [(row["instance"], row["answers"], bool(row["drained_since"])) for row in rows] == [
        (there, "ok", False),
        (gone, "upstream-refused", True),
    ]
    assert "ANSWERS" in shown.out
    assert shown.out.count("ebs") == 2


def test_an_instance_is_taken_out_and_given_back_on_the_record(
    place: Place, ports: tuple[int, int]
) -> None:
    there, _ = (f"http://127.0.0.1:{port}" for port in ports)
    out = place.run("upstream", "drain", "ebs", there, "--operator", "Olga Operator")
    assert (out.code, drained(place)) == (0, {there})
    again = place.run("upstream", "drain", "ebs", there)
    assert (again.code, "is drained already" in again.err) == (1, True)
    back = place.run("upstream", "return", "ebs", there)
    assert (back.code, drained(place)) == (0, set())
    twice = place.run("upstream", "return", "ebs", there)
    assert (twice.code, "is not drained" in twice.err) == (1, True)

    place.sequence()
    for told, code in ((out, "upstream-drained"), (back, "upstream-returned")):
        reference = told.out.split()[-1]
        (entry, *_) = json.loads(
            place.run("audit", "search", "--reference", reference, "--json").out
        )
        assert entry["code"] == code


def test_the_last_instance_is_taken_out_only_on_purpose(
    place: Place, ports: tuple[int, int]
) -> None:
    there, gone = (f"http://127.0.0.1:{port}" for port in ports)
    place.run("upstream", "drain", "ebs", gone)
    refused = place.run("upstream", "drain", "ebs", there)
    unknown = place.run("upstream", "drain", "abs", there)

    assert (refused.code, drained(place)) == (1, {gone})
    assert "nobody could use `ebs`" in refused.err
    assert (unknown.code, "`abs` is no system here; known here: ebs" in unknown.err) == (1, True)
    assert place.run("upstream", "drain", "ebs", there, "--even-last").code == 0


def test_what_is_drained_and_no_instance_any_more_can_be_given_back(
    place: Place, ports: tuple[int, int]
) -> None:
    there, gone = (f"http://127.0.0.1:{port}" for port in ports)
    place.run("upstream", "drain", "ebs", gone)
    place.config.write_text(place.config.read_text().replace(f', "{gone}"', ""))

    assert place.run("upstream", "return", "ebs", gone).code == 0
    refused = place.run("upstream", "drain", "ebs", gone)
    assert f"known here: {there}" in refused.err
