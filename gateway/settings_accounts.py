"""The sections that say who a person is at one system, and what it is told for some functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, Strict

from gateway.settings_sections import Claim, FilePath, Identifier, Section, ToldName, Words

FixedText = Annotated[str, Field(pattern=r"^[!-~]([ -~]{0,198}[!-~])?$")]


class AccountRuleSection(Section):
    """How the accounts of one organisation's staff are made from what their directory says."""

    organisation: Identifier
    """Write the id of the organisation."""
    source: Literal["username", "employee_number"] = "username"
    """What of a person the account is made from."""
    letters: Literal["as-is", "upper", "lower"] = "as-is"
    """What becomes of its letters; Oracle EBS has its users in upper case."""
    prefix: str = Field(default="", pattern=r"^[A-Za-z0-9._@+-]{0,32}$")
    """What stands before it, of no two organisations the same; such as `CP_`."""


class AccountsSection(Section):
    """Who a person is at a system; whoever has no account there is refused."""

    file: FilePath | None = None
    """A table of accounts (CSV: organisation,employee_number,staff_id,account,guid)."""
    rules: Annotated[tuple[AccountRuleSection, ...], Strict(strict=False), Field(alias="rule")] = ()
    """How accounts of those not in the table are made, each organisation as one rule."""


class FunctionHeadersSection(Section):
    """Header fields that go with some functions alone, beside or instead of the system's."""

    functions: Annotated[Words, Field(min_length=1)]
    """Write the functions as the catalogue names them."""
    identity_headers: Mapping[ToldName, Claim] = Field(default_factory=dict)
    """Header fields, each with what of the person it holds."""
    fixed_headers: Mapping[ToldName, FixedText] = Field(default_factory=dict)
    """Header fields, each with the text it holds."""
