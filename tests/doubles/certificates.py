"""What TLS must refuse: lists of revoked certificates, and certificates with weak keys."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


def revocation_list(authority: trustme.CA, until: datetime, *revoked: trustme.LeafCert) -> bytes:
    """Write the list as PEM; it holds until an instant, which may be past."""
    key = load_pem_private_key(authority.private_key_pem.bytes(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.bytes()).subject
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer)
        .last_update(until - timedelta(days=7))
        .next_update(until)
    )
    for each in revoked:
        serial = x509.load_pem_x509_certificate(each.cert_chain_pems[0].bytes()).serial_number
        entry = x509.RevokedCertificateBuilder().serial_number(serial)
        builder = builder.add_revoked_certificate(
            entry.revocation_date(until - timedelta(days=8)).build()
        )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAndCertificate:
    """A server's key and certificate, as PEM."""

    key: bytes
    pem: bytes


def weak_certificate(address: str) -> tuple[bytes, KeyAndCertificate]:
    """Make an authority and a certificate of 1,024 bits for an address.

    Returns:
        The authority's certificate, and the server's key and certificate.
    """
    begins = datetime(2026, 1, 1)  # noqa: DTZ001 - certificates hold UTC
    ends = datetime(2046, 1, 1)  # noqa: DTZ001
    signing = ec.generate_private_key(ec.SECP256R1())
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - the point of it
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "weak")])
    builder = x509.CertificateBuilder().issuer_name(name)
    builder = builder.not_valid_before(begins).not_valid_after(ends)
    authority = (
        builder.subject_name(name)
        .public_key(signing.public_key())
        .serial_number(1)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(signing, hashes.SHA256())
    )
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    leaf = (
        builder.subject_name(x509.Name([]))
        .public_key(weak.public_key())
        .serial_number(2)
        .add_extension(names, critical=True)
        .sign(signing, hashes.SHA256())
    )
    return authority.public_bytes(Encoding.PEM), KeyAndCertificate(
        key=weak.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
        pem=leaf.public_bytes(Encoding.PEM),
    )
