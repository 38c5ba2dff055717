"""What a provider says of a person: who they are, never what they are cleared to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.identity.directories.directory import EntryIncomplete
from gateway.identity.providers.provider_claims import (
    GroupsIncomplete,
    has_more_groups,
    person_from,
    proof_from,
    provider_directory_id,
)
from gateway.identity.providers.provider_settings import ClaimNames, ProviderSettings
from gateway.identity.providers.token_checks import LEEWAY_SECONDS, TokenRefused
from gateway.identity.staff import DIRECTORY_ID
from gateway.store.schema import microseconds
from policies.function import SECOND_FACTOR
from tests.policies.people import AT, cheshire

SETTINGS = ProviderSettings(
    id="nwas",
    organisation="nwas",
    name="NWAS",
    issuer="https://login.nwas.example",
    client_id="gateway",
    redirect_uri="https://gate.example/-/oidc/nwas/callback",
    signed_out_uri="https://gate.example/-/sign-out",
    claims=ClaimNames(groups="groups"),
)
CLAIMS = {
    "sub": "id-jo",
    "employee_number": "70150",
    "preferred_username": "jo.hartley",
    "name": "Jo Hartley",
    "posts": ["paramedic", "trainer"],
    "unit": "Chester",
    "email": "jo.hartley@nwas.example",
    "groups": ["a", "b"],
    "vetting_level": "DV",
    "level": "3",
}


def test_a_person_is_described_by_the_claims_that_the_settings_name() -> None:
    person = person_from(CLAIMS, SETTINGS)

    assert person.username == "jo.hartley"
    assert person.employee_number == "70150"
    assert person.posts == {"paramedic", "trainer"}
    assert (person.name, person.unit) == ("Jo Hartley", "Chester")
    assert person.mail == "jo.hartley@nwas.example"
    assert person.groups == {"a", "b"}
    assert "DV" not in repr(person)


def test_the_key_is_issuer_and_subject_together() -> None:
    """ASVS 6.8.1: no provider can speak for another's people, nor for an LDAP entry."""
    here = provider_directory_id("https://a.example", "id")

    assert here == provider_directory_id("https://a.example", "id")
    assert here != provider_directory_id("https://b.example", "id")
    assert here != provider_directory_id("https://a.example", "ID")
    assert provider_directory_id("a", "bc") != provider_directory_id("ab", "c")
    assert DIRECTORY_ID.fullmatch(here)
    assert DIRECTORY_ID.fullmatch(provider_directory_id("https://a.example", "é/ \u202e" * 50))


def test_what_is_missing_is_empty() -> None:
    person = person_from({"sub": "id-jo", "employee_number": "70150"}, SETTINGS)

    assert (person.username, person.name, person.unit, person.mail) == ("70150", "", "", "")
    assert person.posts == person.groups == frozenset()


@pytest.mark.parametrize(
    "changes",
    [
        {"employee_number": 70150}, {"employee_number": ["70150"]}, {"employee_number": True},
        {"name": "Jo\0Hartley"}, {"name": "a" * 257}, {"name": {"given": "Jo"}},
        {"preferred_username": "jo\u200b"}, {"posts": {"a": 1}}, {"posts": [1]}, {"posts": 3},
        {"posts": ["x"] * 101}, {"unit": ["Chester", "Crewe"]}, {"groups": [["a"]]},
        {"groups": "a"}, {"groups": "a,b"}, {"groups": None}, {"groups": ["g"] * 1_001},
    ],
    ids=repr,
)  # fmt: skip
def test_a_claim_of_another_kind_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(EntryIncomplete):
        person_from({**CLAIMS, **changes}, SETTINGS)


@pytest.mark.parametrize("mail", ["a@x@y", "a@", "@x", "a", "a b@x", "a@org@evil.example"])
def test_an_address_without_exactly_one_at_is_none(mail: str) -> None:
    assert person_from({**CLAIMS, "email": mail}, SETTINGS).mail == ""


def test_a_single_post_may_be_a_text() -> None:
    assert person_from({**CLAIMS, "posts": "paramedic"}, SETTINGS).posts == {"paramedic"}


@pytest.mark.parametrize(
    "more",
    [
        {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://g"}}},
        {"_claim_names": {"groups": "src1"}, "groups": ["a"]},
        {"_claim_names": "groups"},
        {"hasgroups": True},
        {"hasgroups": "true"},
    ],
    ids=repr,
)
def test_a_part_of_the_groups_is_never_taken_for_all(more: dict[str, Any]) -> None:
    claims = {**CLAIMS, **more}

    assert has_more_groups(claims, SETTINGS)
    with pytest.raises(GroupsIncomplete):
        person_from(claims, SETTINGS)
    unasked = replace(SETTINGS, claims=ClaimNames())
    assert person_from(claims, unasked).groups == frozenset()


@pytest.mark.parametrize("more", [{}, {"hasgroups": False}, {"_claim_names": {"address": "s"}}])
def test_all_groups_are_all_groups(more: dict[str, Any]) -> None:
    assert person_from({**CLAIMS, **more}, SETTINGS).groups == {"a", "b"}


TRUSTING = replace(SETTINGS, trusted_amr=frozenset({"mfa", "hwk"}), trusted_acr=("two-factors",))
SHOWN = int(datetime(2026, 11, 21, 11, 55, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("claims", "trusted"),
    [
        ({"amr": ["pwd", "mfa"], "auth_time": SHOWN}, True),
        ({"acr": "two-factors", "auth_time": SHOWN}, True),
        ({"amr": ["pwd"], "auth_time": SHOWN}, False),
        ({"amr": ["MFA"], "auth_time": SHOWN}, False),
        ({"acr": "one-factor", "auth_time": SHOWN}, False),
        ({"auth_time": SHOWN}, False),
        ({"amr": ["mfa"]}, False),
        ({}, False),
    ],
    ids=repr,
)
def test_a_providers_second_factor_counts_where_the_organisation_trusts_it(
    claims: dict[str, Any], trusted: bool
) -> None:
    """And only with the time at which it was shown."""
    proof = proof_from({**CLAIMS, **claims}, TRUSTING, AT)

    assert ("second-factor" in proof.factors) is trusted
    assert "provider" in proof.factors
    if trusted:
        assert proof.second_factor_at == datetime(2026, 11, 21, 11, 55, tzinfo=UTC)
    assert proof_from({**CLAIMS, **claims}, SETTINGS, AT).factors == {"provider"}


@pytest.mark.parametrize("ahead", [1, LEEWAY_SECONDS])
def test_a_provider_whose_clock_is_ahead_shows_a_factor_now_and_no_later(ahead: int) -> None:
    """Nobody's step-up lasts longer for it, and none is asked for until that time has come."""
    shown = {"amr": ["mfa"], "auth_time": int(AT.timestamp()) + ahead}
    proof = proof_from({**CLAIMS, **shown}, TRUSTING, AT)
    at_us = microseconds(AT)
    assert proof.second_factor_at is not None
    shown_at_us = microseconds(proof.second_factor_at)
    bank = cheshire().catalogue.functions["pay.bank"]
    lasts_us = bank.step_up_minutes * 60_000_000

    assert shown_at_us == at_us
    assert SECOND_FACTOR in bank.fresh_factors(proof.factors, shown_at_us, at_us)
    assert SECOND_FACTOR not in bank.fresh_factors(proof.factors, shown_at_us, at_us + lasts_us)


def test_a_factor_shown_in_a_time_to_come_is_refused() -> None:
    shown = {"amr": ["mfa"], "auth_time": int(AT.timestamp()) + LEEWAY_SECONDS + 1}
    with pytest.raises(TokenRefused, match="future"):
        proof_from({**CLAIMS, **shown}, TRUSTING, AT)
