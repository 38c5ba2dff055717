"""Accounts and fields for functions that cannot be meant are refused with line, place, remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.errors import SettingsError
from gateway.settings import load_settings
from tests.gateway.test_settings import MINIMAL

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "staff_id,account\n"


def load(folder: Path, more: str, table: str) -> list[str]:
    (folder / "policy").mkdir()
    (folder / "ca.pem").write_text("certificate")
    (folder / "ebs.csv").write_text(table)
    path = folder / "gateway.toml"
    path.write_text(f"{MINIMAL}\n{more}")
    try:
        load_settings(path)
    except SettingsError as error:
        return [str(each) for each in error.faults]
    return []


RULE = '[[upstream.accounts.rule]]\norganisation = "{}"\nprefix = "{}"\n'


@pytest.mark.parametrize(
    ("more", "table", "told"),
    [
        ("[upstream.accounts]\n", HEAD, "upstream[1].accounts: nobody has an account; name"),
        ('[upstream.accounts]\nfile = "gone.csv"', HEAD, "upstream[1].accounts.file: "),
        (
            '[upstream.accounts]\nfile = "ebs.csv"',
            HEAD + "a,b c\n",
            "accounts.file: `ebs.csv`: line 2: `b c` or its guid is no account; use letters",
        ),
        (RULE.format("a", "X_") + RULE.format("b", "x_"), HEAD, "rule[2]: the prefix `x_` is"),
        (RULE.format("a", "X_") + RULE.format("a", "Y_"), HEAD, "`a` has a rule already; write"),
        (RULE.format("a", "X "), HEAD, "rule[1].prefix: `X ` does not have the form"),
        ('identity_headers = { A = "account" }', HEAD, "`account` is known of nobody without"),
        (
            'identity_headers = { A = "account_guid" }\n' + RULE.format("a", "X_"),
            HEAD,
            "identity_headers.A: `account_guid` stands in a table alone; name it",
        ),
        (
            'identity_headers = { A-B = "name" }\nfixed_headers = { a_b = "x" }',
            HEAD,
            "fixed_headers.a_b: `a_b` stands there twice; write each field once",
        ),
        ('identity_headers = { X_FORWARDED_FOR = "name" }', HEAD, "is not free to set; choose"),
        ('fixed_headers = { gateway_assertion = "x" }', HEAD, "is not free to set; choose"),
        ('fixed_headers = { A = "x\\ny" }', HEAD, "fixed_headers.A: "),
        (
            '[[upstream.function_headers]]\nfunctions = ["f"]\nfixed_headers = { Host = "a" }',
            HEAD,
            "function_headers[1].fixed_headers.Host: `Host` is not free to set",
        ),
        (
            '[[upstream.function_headers]]\nfunctions = ["f"]\n' * 2,
            HEAD,
            "function_headers[2].functions: `f` stands in two tables; write all its fields",
        ),
        ("[[upstream.function_headers]]\nfunctions = []", HEAD, "function_headers[1].functions: "),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_remedy(
    tmp_path: Path, more: str, table: str, told: str
) -> None:
    found = load(tmp_path, more, table)

    assert [each for each in found if told in each], found


def test_what_an_access_gate_expects_can_be_said(tmp_path: Path) -> None:
    more = (
        'identity_headers = { USER_NAME = "account", USER_ORCLGUID = "account_guid" }\n'
        '[upstream.accounts]\nfile = "ebs.csv"\n' + RULE.format("a", "") + RULE.format("b", "B_")
    )

    assert load(tmp_path, more, HEAD) == []
