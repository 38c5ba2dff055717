"""Settings that would let vetting in, or a password out, do not start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.errors import DirectoryMisconfigured
from gateway.identity.directories.ldap_settings import LdapSettings, read_password
from tests.gateway.identity.conftest import ATTRIBUTES


def settings(**changed: Any) -> LdapSettings:
    values: dict[str, Any] = {
        "uris": ("ldaps://ldap.fire.example",),
        "ca_file": Path("/ca.pem"),
        "base": "dc=fire,dc=example",
        "attributes": ATTRIBUTES,
    }
    return LdapSettings(**{**values, **changed})


def test_good_settings_hold() -> None:
    assert settings().name_filter == "(uid={name})"


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("vetting", "policeVettingLevel"),
        ("clearance", "description"),
        ("nppv", "description"),
        ("Vetting_Level", "description"),
        ("post", "policeVettingLevel"),
        ("unit", "securityClearance"),
        ("post", "NPPVLevel"),
        ("mail", "vettedUntil"),
    ],
)
def test_an_attribute_about_vetting_is_refused_by_either_name(word: str, name: str) -> None:
    """A partner's directory never says what somebody is cleared to."""
    with pytest.raises(DirectoryMisconfigured, match="speaks of vetting"):
        settings(attributes={**ATTRIBUTES, word: name})


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"attributes": {**ATTRIBUTES, "roles": "memberOf"}}, "`roles` is unknown"),
        ({"attributes": {**ATTRIBUTES, "post": "title,ou"}}, "not the name of an attribute"),
        ({"attributes": {**ATTRIBUTES, "manager": "x)(uid=*"}}, "not the name of an attribute"),
        ({"attributes": {"username": "uid"}}, "lack `directory_id`"),
        ({"uris": ()}, "no server"),
        ({"uris": ("http://ldap",)}, "not an address"),
        ({"base": " "}, "base is empty"),
        ({"name_filter": "(uid=alice)"}, "name filter"),
        ({"name_filter": "uid={name}"}, "name filter"),
        ({"bind_dn": "cn=gateway"}, "both its DN and its password"),
        ({"bind_password_file": Path("/x")}, "both its DN and its password"),
        ({"bind_dn": "", "bind_password_file": Path("/x")}, "DN of the account"),
        ({"bind_dn": "cn=g", "bind_password_file": Path("/nowhere/x")}, "cannot be read"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(changed: dict[str, Any], fault: str) -> None:
    with pytest.raises(DirectoryMisconfigured, match=fault):
        settings(**changed)


class TestPassword:
    """The password of the account to search with."""

    def file(self, folder: Path, content: bytes, mode: int = 0o600) -> Path:
        file = folder / "password"
        file.write_bytes(content)
        file.chmod(mode)
        return file

    @pytest.mark.parametrize("content", [b"secret", b"secret\n", b"secret\r\n"])
    def test_it_is_the_line_without_its_end(self, tmp_path: Path, content: bytes) -> None:
        assert read_password(self.file(tmp_path, content)) == "secret"

    def test_spaces_belong_to_it(self, tmp_path: Path) -> None:
        assert read_password(self.file(tmp_path, b" secret \n")) == " secret "

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
    def test_a_file_open_to_others_is_refused(self, tmp_path: Path, mode: int) -> None:
        with pytest.raises(DirectoryMisconfigured, match="chmod 600"):
            read_password(self.file(tmp_path, b"secret", mode))

    @pytest.mark.parametrize("content", [b"", b"\n", b"a\0b", b"\xff\xfe"])
    def test_a_file_without_a_password_is_refused(self, tmp_path: Path, content: bytes) -> None:
        """An empty password would make every search an anonymous one."""
        with pytest.raises(DirectoryMisconfigured):
            read_password(self.file(tmp_path, content))

    def test_a_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DirectoryMisconfigured, match="cannot be read"):
            read_password(tmp_path)
