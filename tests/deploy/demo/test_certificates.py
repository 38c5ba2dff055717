"""Each directory's certificate names this machine, is signed by its own authority, is renewed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from deploy.demo.certificates import RENEW_DAYS, VALID_DAYS, ensure_certificates

AT = datetime(2026, 11, 21, tzinfo=UTC)


def read(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / name).read_bytes())


def test_the_server_is_signed_by_its_authority(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, "A service", AT)
    server, authority = read(tmp_path, "server.pem"), read(tmp_path, "ca.pem")
    server.verify_directly_issued_by(authority)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]


def test_no_authority_can_sign_anything_more(tmp_path: Path) -> None:
    """Its private key is kept nowhere."""
    ensure_certificates(tmp_path, "A service", AT)

    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "ca.pem",
        "server.key",
        "server.pem",
    ]


def test_they_are_kept_while_valid_and_made_again_before_they_end(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, "A service", AT)
    first = read(tmp_path, "server.pem")
    ensure_certificates(tmp_path, "A service", AT + timedelta(days=VALID_DAYS - RENEW_DAYS - 1))
    kept = read(tmp_path, "server.pem")
    ensure_certificates(tmp_path, "A service", AT + timedelta(days=VALID_DAYS - RENEW_DAYS + 1))
    renewed = read(tmp_path, "server.pem")

    assert kept == first
    assert renewed != first
