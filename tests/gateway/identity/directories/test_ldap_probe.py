"""Trying a server step by step: each with its time, and what failed."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import trustme

from deploy.demo.places import free_ports
from gateway.identity.directories.directory import ProbeStep
from gateway.identity.directories.ldap_dialect import Groups
from gateway.identity.directories.ldap_directory import LdapDirectory
from gateway.identity.directories.ldap_probe import Trial
from tests.doubles.samba import STAFF, Samba
from tests.doubles.slapd import PASSWORD, SUFFIX, Slapd, person
from tests.gateway.identity.conftest import ATTRIBUTES, domain_settings, settings_for

pytestmark = pytest.mark.directory


def steps(directory: LdapDirectory, name: str = "", password: str = PASSWORD) -> list[ProbeStep]:
    told: list[ProbeStep] = []
    trial = Trial(name=name, password=password) if name else None
    directory.try_servers(5.0, told.append, trial)
    assert all(0 <= step.seconds < 5 for step in told)
    return told


def failure(directory: LdapDirectory, name: str = "", password: str = PASSWORD) -> tuple[str, str]:
    *passed, last = steps(directory, name, password)
    assert all(step.passed for step in passed)
    assert not last.passed
    return last.step, last.detail


def test_a_sign_in_is_told_step_by_step(police: Samba) -> None:
    police.add_person("probe", employeeID="77", department="Crewe", title="Constable")
    group = police.add_group("probe-group", f"CN=probe,{STAFF}")
    told = steps(LdapDirectory(domain_settings(police, posts={group: "Trainer"})), "probe")

    assert [step.step for step in told] == [
        "name", "connect", "tls", "bind", "search", "password", "mapping", "bind", "groups", "team",
    ]  # fmt: skip
    details = {step.step: step.detail for step in told}
    assert details["tls"].startswith("TLSv1.")
    assert "employee number 77; posts Constable; unit Crewe" in details["mapping"]
    assert details["groups"] == "groups 1; posts Constable, Trainer"
    assert details["team"] == "0 people"


def test_starttls_is_a_step_of_its_own(fire: Slapd) -> None:
    told = steps(LdapDirectory(settings_for(fire, fire.starttls_uri)))

    assert [step.step for step in told][:4] == ["name", "connect", "starttls", "tls"]


class TestFailures:
    """Each step says what it was."""

    def test_a_name_that_does_not_resolve(self, fire: Slapd) -> None:
        directory = LdapDirectory(settings_for(fire, "ldaps://directory.invalid"))
        step, detail = failure(directory)

        assert step == "name"
        assert "cannot be resolved" in detail

    def test_a_port_on_which_nobody_listens(self, fire: Slapd) -> None:
        directory = LdapDirectory(settings_for(fire, f"ldaps://127.0.0.1:{free_ports(1)[0]}"))

        assert failure(directory)[0] == "connect"

    def test_a_certificate_that_has_ended_is_shown_with_its_dates(
        self, authority: trustme.CA, tmp_path: Path
    ) -> None:
        certificate = authority.issue_cert(
            "127.0.0.1",
            not_before=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
            not_after=datetime.datetime(2020, 12, 31, tzinfo=datetime.UTC),
        )
        with Slapd(tmp_path / "old", authority, certificate=certificate) as server:
            step, detail = failure(LdapDirectory(settings_for(server)))

        assert step == "tls"
        assert "certificate has expired; it shows a certificate" in detail
        assert "from 01 January 2020 to 31 December 2020" in detail
        assert detail.endswith("days ago)")

    def test_an_account_to_search_with_that_is_refused(self, fire: Slapd, tmp_path: Path) -> None:
        wrong = tmp_path / "password"
        wrong.write_text("not the password")
        wrong.chmod(0o600)
        step, detail = failure(LdapDirectory(settings_for(fire, bind_password_file=wrong)))

        assert (step, "account to search with" in detail) == ("bind", True)

    def test_a_base_that_is_not_there(self, fire: Slapd) -> None:
        directory = LdapDirectory(settings_for(fire, base=f"ou=nowhere,{SUFFIX}"))

        assert failure(directory) == ("search", f"the base `ou=nowhere,{SUFFIX}` cannot be read")

    @pytest.mark.parametrize(
        ("name", "password", "told"),
        [
            ("nobody", PASSWORD, "look at the base and the filter"),
            ("alice", "wrong", "name is known"),
        ],
    )
    def test_a_name_and_a_password_that_do_not_fit(
        self, fire: Slapd, name: str, password: str, told: str
    ) -> None:
        step, detail = failure(LdapDirectory(settings_for(fire)), name, password)

        assert (step, told in detail) == ("password", True)

    def test_an_account_that_is_closed(self, police: Samba) -> None:
        police.add_person("probe-closed", userAccountControl="514")
        directory = LdapDirectory(domain_settings(police))

        assert failure(directory, "probe-closed") == (
            "password",
            "the account is disabled; the password is right",
        )
        assert "not told" in failure(directory, "probe-closed", "wrong")[1]

    def test_an_entry_without_its_id(self, fire: Slapd) -> None:
        attributes = {**ATTRIBUTES, "directory_id": "pager"}
        step, detail = failure(LdapDirectory(settings_for(fire, attributes=attributes)), "alice")

        assert (step, "lacks its id" in detail) == ("mapping", True)

    def test_groups_that_cannot_be_read(self, fire: Slapd) -> None:
        groups = Groups(base=f"ou=nowhere,{SUFFIX}", posts={"cn=x,dc=y": "x"})
        directory = LdapDirectory(settings_for(fire, groups=groups))

        assert failure(directory, "alice")[0] == "groups"


def test_an_entry_without_a_number_is_pointed_out(authority: trustme.CA, tmp_path: Path) -> None:
    with Slapd(tmp_path / "bare", authority, people=person("bare", None)) as server:
        told = {
            each.step: each.detail for each in steps(LdapDirectory(settings_for(server)), "bare")
        }

    assert "no employee number: nobody is let in without" in told["mapping"]


def test_a_password_is_not_in_what_a_trial_shows_of_itself() -> None:
    assert "secret" not in repr(Trial(name="alice", password="secret"))
