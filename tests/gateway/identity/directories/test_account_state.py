"""Account states as directories write them, also those that no test server can be brought to."""

from __future__ import annotations

import pytest

from gateway.errors import DirectoryMisconfigured
from gateway.identity.directories.account_state import (
    Closure,
    closure_by_domain,
    closure_by_policy,
    state_by_policy,
    state_in_domain,
)
from gateway.identity.directories.directory import AccountState
from gateway.identity.directories.ldap_link import Judgement

DAY_NS = 86_400 * 10**9
IN_2020_NS = 18_262 * DAY_NS
NORMAL = {"useraccountcontrol": [b"512"]}
WORDS = "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {}, v1db1"


@pytest.mark.parametrize(
    ("entry", "state"),
    [
        ({}, None),
        ({"useraccountcontrol": [b"514"]}, AccountState.DISABLED),
        ({"msds-user-account-control-computed": [b"16"]}, AccountState.LOCKED),
        ({"msds-user-account-control-computed": [b"8388608"]}, AccountState.MUST_CHANGE_PASSWORD),
        ({"accountexpires": [b"0"]}, None),
        ({"accountexpires": [b"9223372036854775807"]}, None),
        # noon of 31 December 2019, and of 1 January 2020
        ({"accountexpires": [b"132222744000000000"]}, AccountState.EXPIRED),
        ({"accountexpires": [b"132223608000000000"]}, None),
        ({"useraccountcontrol": [b"514"], "accountexpires": [b"1"]}, AccountState.DISABLED),
    ],
)
def test_states_of_a_domain(entry: dict[str, list[bytes]], state: AccountState | None) -> None:
    assert state_in_domain({**NORMAL, **entry}, IN_2020_NS) is state


@pytest.mark.parametrize("control", [[], [b"x"], [b"512", b"514"]])
def test_a_state_that_cannot_be_read_is_no_open_account(control: list[bytes]) -> None:
    with pytest.raises(DirectoryMisconfigured):
        state_in_domain({"useraccountcontrol": control}, IN_2020_NS)


@pytest.mark.parametrize(
    ("entry", "state"),
    [
        ({}, None),
        ({"pwdaccountlockedtime": [b"000001010000Z"]}, AccountState.DISABLED),
        ({"pwdaccountlockedtime": [b"20191231000000Z"]}, AccountState.LOCKED),
        ({"nsaccountlock": [b"TRUE"]}, AccountState.DISABLED),
        ({"nsaccountlock": [b"false"]}, None),
        ({"pwdreset": [b"TRUE"]}, AccountState.MUST_CHANGE_PASSWORD),
        ({"shadowexpire": [b"18262"]}, AccountState.EXPIRED),
        ({"shadowexpire": [b"18263"]}, None),
        ({"shadowexpire": [b"-1"]}, None),
    ],
)
def test_states_of_other_directories(
    entry: dict[str, list[bytes]], state: AccountState | None
) -> None:
    assert state_by_policy(entry, IN_2020_NS) is state


@pytest.mark.parametrize(
    ("code", "state", "known"),
    [
        ("533", AccountState.DISABLED, True),
        ("701", AccountState.EXPIRED, True),
        ("532", AccountState.MUST_CHANGE_PASSWORD, True),
        ("773", AccountState.MUST_CHANGE_PASSWORD, True),
        ("775", AccountState.LOCKED, False),
    ],
)
def test_a_domain_says_by_a_code_why_it_refuses(
    code: str, state: AccountState, known: bool
) -> None:
    judged = Judgement(accepted=False, diagnostic=WORDS.format(code))

    assert closure_by_domain(judged) == Closure(state=state, known_password=known)


@pytest.mark.parametrize("words", [WORDS.format("52e"), WORDS.format("525"), "", "data 5331"])
def test_other_words_of_a_domain_mean_a_wrong_password(words: str) -> None:
    assert closure_by_domain(Judgement(accepted=False, diagnostic=words)) is None


@pytest.mark.parametrize(
    ("number", "state", "known"),
    [
        (0, AccountState.MUST_CHANGE_PASSWORD, True),
        (1, AccountState.LOCKED, False),
        (2, AccountState.MUST_CHANGE_PASSWORD, True),
    ],
)
def test_a_password_policy_says_it_beside_the_answer(
    number: int, state: AccountState, known: bool
) -> None:
    judged = Judgement(accepted=number == 2, policy_error=number)

    assert closure_by_policy(judged) == Closure(state=state, known_password=known)


@pytest.mark.parametrize("number", [None, 3, 8])
def test_what_a_policy_says_of_changing_passwords_closes_nothing(number: int | None) -> None:
    assert closure_by_policy(Judgement(accepted=True, policy_error=number)) is None
