"""The certificate the gateway shows itself is looked at before anybody else does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import trustme

from gateway.cli.check_entrance import own_certificate
from gateway.cli.finding import FAULT, WARNING
from gateway.settings import load_settings
from tests.gateway.cli.place import AT, Place

NAME = "gate.example"


def issue(place: Place, days: int = 400, name: str = NAME) -> Path:
    """Put a certificate that ends so many days from now into the settings."""
    folder = place.config.parent
    leaf = trustme.CA().issue_cert(
        name, not_before=AT - timedelta(days=400), not_after=AT + timedelta(days=days, hours=1)
    )
    leaf.private_key_pem.write_to_path(folder / "gate.key")
    (folder / "gate.key").chmod(0o600)
    leaf.cert_chain_pems[0].write_to_path(folder / "gate.pem")
    text = place.config.read_text().replace("http://localhost:8080", f"https://{NAME}")
    if "[tls]" not in text:
        text += '\n[tls]\ncertificate_file = "gate.pem"\nkey_file = "gate.key"\n'
    place.config.write_text(text)
    return folder / "gate.pem"


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (31, []),
        (29, [(WARNING, "the gateway: the certificate ends on")]),
        (-1, [(FAULT, "the gateway: the certificate ended on")]),
    ],
)
def test_a_certificate_that_ends_soon_is_told(
    place: Place, days: int, told: list[tuple[str, str]]
) -> None:
    path = issue(place, days)
    found = list(own_certificate(load_settings(place.config), AT))

    assert [each.severity for each in found] == [severity for severity, _ in told]
    assert all(each.message.startswith(f"{path}: {told[0][1]}") for each in found)


def test_names_and_key_are_looked_at_by_the_command(place: Place) -> None:
    issue(place, name="other.example")
    named = place.run("check", "--sample", "10")
    issue(place)
    key = (place.config.parent / "gate.key").read_bytes()
    issue(place)
    (place.config.parent / "gate.key").write_bytes(key)
    fitting = place.run("check", "--sample", "10")

    assert "is not for `gate.example`" in named.out
    assert "is not the key of" in fitting.out
    assert (named.code, fitting.code) == (1, 1)


def test_without_a_certificate_of_its_own_there_is_nothing_to_look_at(place: Place) -> None:
    assert list(own_certificate(load_settings(place.config), AT)) == []
