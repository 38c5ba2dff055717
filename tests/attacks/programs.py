"""The machines that may ask the target: a program, a vetting unit, proxies; and what they show."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typing_extensions import override

from deploy.demo.stack import Stack
from deploy.demo.staff import StaffMember

TOKEN: Final = "a-token-of-a-program"
UNIT_KEY: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SECRETS: Final = {
    "nginx": "0123456789abcdef0123456789abcdef",
    "forward-auth": "fedcba9876543210fedcba9876543210",
    "ext-authz": "00112233445566778899aabbccddeeff",
}
_PROXY: Final = """
[[front_proxy]]
id = "front-{kind}"
kind = "{kind}"
networks = ["127.0.0.1/32"]
secret_file = "{file}"
"""
_OTHERS: Final = """
[[decisions.client]]
id = "rota"
token_sha256 = "{token_sha256}"
organisations = ["cheshire-fire", "cheshire-police"]
per_minute = 600000

[[vetting.feed]]
id = "unit"
title = "Unit"
granting_bodies = ["cheshire-police"]
public_key_file = "{key_file}"
"""


class AskedStack(Stack):
    """A demo that lists every kind of machine besides."""

    @override
    def _prepare_gateway(self, staff: tuple[StaffMember, ...], at: datetime) -> None:
        super()._prepare_gateway(staff, at)
        folder = self.places.folder
        key_file = folder / "unit.pem"
        public = UNIT_KEY.public_key()
        key_file.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        token_sha256 = hashlib.sha256(TOKEN.encode()).hexdigest()
        more = _OTHERS.format(token_sha256=token_sha256, key_file=key_file)
        for kind, secret in SECRETS.items():
            file = folder / f"{kind}.secret"
            file.write_text(secret, "ascii")
            file.chmod(0o600)
            more += _PROXY.format(kind=kind, file=file)
        with self.places.settings_file.open("a", encoding="utf-8") as settings:
            settings.write(more)
