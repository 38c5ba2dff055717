"""Security keys and passkeys (WebAuthn level 2), as the gateway asks and judges them.

The library checks type, challenge, origin, hash of the RP id, presence and signature. Beyond it:

1. Answers and the ids of keys are bounded in size, and whatever is wrong with one is one error.
2. The count of signatures is judged here, after the signature: only a real key that counts back
   is a copied key, and worth an alarm.
3. User verification is asked for where the key can do it, and not demanded.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from gateway.errors import IdentityError

_TIMEOUT_MS: Final = 120_000
_ANSWER_CHARACTERS: Final = 16_384
_ID_BYTES: Final = 1_023  # WebAuthn level 2, 7.1, step 17; the library takes longer ones
_TRANSPORTS: Final = frozenset({"usb", "nfc", "ble", "internal", "hybrid", "smart-card"})


class KeyAnswerWrong(IdentityError):  # noqa: N818  # named for what happened, as its family is
    """A security key's answer is not what was asked for."""


class SignCountRegressed(KeyAnswerWrong):
    """A key signed well and counts backwards: there is a copy of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """Who asks, as keys know it.

    Attributes:
        origin: how staff reach the gateway, such as `https://gate.example`.
        name: of the service.
    """

    origin: str
    name: str

    @property
    def id(self) -> str:
        """The RP id: the host of the origin, without its port."""
        return urlsplit(self.origin).hostname or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """What is kept of a key; all of it is public."""

    credential_id: str
    public_key: str
    sign_count: int
    transports: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """A key that has been enrolled."""

    credential_id: str
    public_key: str
    sign_count: int
    transports: str = ""


def enrolment_options(
    party: RelyingParty,
    *,
    handle: bytes,
    account: str,
    name: str,
    challenge: bytes,
    known: Iterable[KnownKey],
) -> str:
    """Give what `navigator.credentials.create` is asked, as JSON.

    Args:
        party: who asks.
        handle: stands for the person and says nothing about them.
        account: whose it is, such as `firefighter@cheshire-fire`.
        name: of the person, for them to read.
        challenge: 32 random bytes, used once.
        known: their keys so far, which must not be enrolled again.
    """
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=handle,
        user_name=account,
        user_display_name=name,
        challenge=challenge,
        timeout=_TIMEOUT_MS,
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=[_descriptor(each) for each in known],
    )
    return webauthn.options_to_json(options)


def challenge_options(party: RelyingParty, *, challenge: bytes, known: Iterable[KnownKey]) -> str:
    """Give what `navigator.credentials.get` is asked, as JSON."""
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=_TIMEOUT_MS,
        allow_credentials=[_descriptor(each) for each in known],
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return webauthn.options_to_json(options)


def judge_enrolment(party: RelyingParty, *, challenge: bytes, answer: str) -> NewKey:
    """Judge the answer of a new key.

    Raises:
        KeyAnswerWrong: it is not an answer to this challenge, from this origin.
    """
    told = _read(answer)
    try:
        verified = webauthn.verify_registration_response(
            credential=told,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
        )
    except Exception as error:  # hostile bytes meet many parsers; each refusal is the same refusal
        raise KeyAnswerWrong("security key: the enrolment was not accepted") from error
    if len(verified.credential_id) > _ID_BYTES:
        raise KeyAnswerWrong(f"security key: its id is longer than {_ID_BYTES:,} bytes")
    response = told.get("response")
    named = response.get("transports") if isinstance(response, dict) else None
    transports = sorted(
        {each for each in named if isinstance(each, str)} & _TRANSPORTS
        if isinstance(named, list)
        else ()
    )
    return NewKey(
        credential_id=bytes_to_base64url(verified.credential_id),
        public_key=bytes_to_base64url(verified.credential_public_key),
        sign_count=verified.sign_count,
        transports=",".join(transports),
    )


def answering_key(answer: str) -> str:
    """Give the credential id that an answer claims to come from; not proved yet."""
    claimed = _read(answer).get("id")
    if not isinstance(claimed, str):
        raise KeyAnswerWrong("security key: the answer names no key")
    return claimed


def judge_answer(party: RelyingParty, *, challenge: bytes, answer: str, key: KnownKey) -> int:
    """Judge a key's answer to a challenge.

    Returns:
        Its new count of signatures; 0 from keys that do not count.

    Raises:
        SignCountRegressed: the signature is right, and the count is not above the last one.
        KeyAnswerWrong: it is not this key's answer to this challenge, from this origin.
    """
    told = _read(answer)
    try:
        verified = webauthn.verify_authentication_response(
            credential=told,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=base64url_to_bytes(key.public_key),
            # The library would refuse a bad count before it looks at the signature.
            credential_current_sign_count=0,
        )
    except Exception as error:
        raise KeyAnswerWrong("security key: the answer was not accepted") from error
    if bytes_to_base64url(verified.credential_id) != key.credential_id:
        raise KeyAnswerWrong("security key: the answer is another key's")
    count = verified.new_sign_count
    if (count or key.sign_count) and count <= key.sign_count:
        raise SignCountRegressed("security key: its count of signatures went back")
    return count


def _read(answer: str) -> dict[str, Any]:
    if not answer or len(answer) > _ANSWER_CHARACTERS:
        raise KeyAnswerWrong("security key: no answer")
    try:
        told = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise KeyAnswerWrong("security key: the answer is not JSON") from error
    if not isinstance(told, dict):
        raise KeyAnswerWrong("security key: the answer is not an object")
    return told


def _descriptor(key: KnownKey) -> PublicKeyCredentialDescriptor:
    # Without the transports: browsers then try every way, as keys move between machines.
    return PublicKeyCredentialDescriptor(id=base64url_to_bytes(key.credential_id))
