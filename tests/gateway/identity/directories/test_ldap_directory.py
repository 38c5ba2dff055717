"""What a real directory is asked, and what is believed of its answers."""

from __future__ import annotations

import dataclasses
import os
import socket
import stat
import threading
import time
import uuid
from pathlib import Path

import pytest
import trustme

from deploy.demo.places import free_ports
from gateway.errors import DirectoryMisconfigured, DirectoryUnavailable, WrongCredentials
from gateway.identity.directories.directory import (
    DirectoryPerson,
    DirectoryUntrusted,
    EntryIncomplete,
    PersonGone,
    WrongPassword,
)
from gateway.identity.directories.ldap_directory import LdapDirectory
from tests.doubles.slapd import PASSWORD, PEOPLE, SUFFIX, Slapd, person
from tests.gateway.identity.conftest import ATTRIBUTES, settings_for

pytestmark = pytest.mark.directory

BUDGET = 5.0


def ask(server: Slapd, name: str = "alice", password: str = PASSWORD) -> DirectoryPerson:
    return LdapDirectory(settings_for(server)).authenticate(name, password, BUDGET)


class TestPerson:
    """What a directory vouches for."""

    def test_the_right_password_gives_the_person_as_the_directory_describes_them(
        self, fire: Slapd
    ) -> None:
        person = ask(fire)

        assert dataclasses.replace(person, directory_id="") == DirectoryPerson(
            directory_id="",
            username="alice",
            name="Alice Ashe",
            employee_number="40011",
            posts=frozenset({"Watch manager", "Trainer"}),
            unit="Warrington",
            team=frozenset({"40012", "40013"}),
            team_complete=True,
            mail="alice@fire.example",
        )
        assert str(uuid.UUID(person.directory_id)) == person.directory_id

    def test_starttls_gives_the_same(self, fire: Slapd) -> None:
        directory = LdapDirectory(settings_for(fire, fire.starttls_uri))

        assert directory.authenticate("alice", PASSWORD, BUDGET) == ask(fire)

    def test_the_name_comes_back_as_the_directory_spells_it(self, fire: Slapd) -> None:
        """One person must be one person for lockout, session and record."""
        assert {ask(fire, name).username for name in ("ALICE", " alice ", "Alice")} == {"alice"}

    def test_what_the_directory_claims_about_vetting_goes_nowhere(self, fire: Slapd) -> None:
        """Alice's entry says DV."""
        person = ask(fire)

        assert "DV" not in repr(person)
        assert "vetting" not in " ".join(field.name for field in dataclasses.fields(person))

    def test_of_two_units_none_is_taken_for_the_true_one(self, fire: Slapd) -> None:
        assert ask(fire, "bob").unit == ""

    @pytest.mark.parametrize("name", ["nonumber", "twonumbers"])
    def test_without_one_employee_number_the_number_is_empty(self, fire: Slapd, name: str) -> None:
        """The pin in `staff` refuses it; a guess between two would be somebody else."""
        attributes = {**ATTRIBUTES, "employee_number": "departmentNumber"}
        directory = LdapDirectory(settings_for(fire, attributes=attributes))

        assert directory.authenticate(name, PASSWORD, BUDGET).employee_number == ""

    def test_an_entry_without_its_id_is_incomplete(self, fire: Slapd) -> None:
        attributes = {**ATTRIBUTES, "directory_id": "pager"}
        directory = LdapDirectory(settings_for(fire, attributes=attributes))

        with pytest.raises(EntryIncomplete):
            directory.authenticate("alice", PASSWORD, BUDGET)

    def test_what_an_entry_lacks_is_not_told_without_its_password(self, fire: Slapd) -> None:
        attributes = {**ATTRIBUTES, "directory_id": "pager"}
        directory = LdapDirectory(settings_for(fire, attributes=attributes))

        with pytest.raises(WrongPassword):
            directory.authenticate("alice", "wrong", BUDGET)

    def test_without_a_manager_attribute_nobody_has_a_team(self, fire: Slapd) -> None:
        attributes = {word: name for word, name in ATTRIBUTES.items() if word != "manager"}
        person = LdapDirectory(settings_for(fire, attributes=attributes)).authenticate(
            "alice", PASSWORD, BUDGET
        )

        assert (person.team, person.team_complete) == (frozenset(), True)


class TestServers:
    """Servers that are away, silent, or somebody else."""

    def test_a_server_that_refuses_is_followed_by_the_next(self, fire: Slapd) -> None:
        nobody = f"ldaps://127.0.0.1:{free_ports(1)[0]}"
        directory = LdapDirectory(settings_for(fire, nobody, fire.ldaps_uri))

        assert directory.authenticate("alice", PASSWORD, BUDGET).username == "alice"

    def test_a_silent_server_is_followed_by_the_next_within_the_budget(
        self, fire: Slapd, own_server: Slapd
    ) -> None:
        own_server.pause()
        directory = LdapDirectory(settings_for(fire, own_server.ldaps_uri, fire.ldaps_uri))
        started = time.monotonic()
        person = directory.authenticate("alice", PASSWORD, 2.0)
        first = time.monotonic() - started
        again = time.monotonic()
        directory.authenticate("alice", PASSWORD, 2.0)

        assert person.username == "alice"
        assert first < 2.0
        # it is not waited for again and again
        assert time.monotonic() - again < 0.9

    def test_a_server_that_falls_silent_half_way_ends_within_the_budget(
        self, own_server: Slapd
    ) -> None:
        directory = LdapDirectory(settings_for(own_server))

        def silence(*_: str) -> bool:
            own_server.pause()
            return True

        started = time.monotonic()
        with pytest.raises(DirectoryUnavailable):
            directory.authenticate("alice", PASSWORD, 0.7, before_bind=silence)

        assert time.monotonic() - started < 2.0

    def test_a_server_that_is_back_is_asked_again(self, own_server: Slapd) -> None:
        directory = LdapDirectory(settings_for(own_server))
        own_server.stop()
        with pytest.raises(DirectoryUnavailable, match="cannot be reached"):
            directory.authenticate("alice", PASSWORD, BUDGET)
        own_server.start()

        assert directory.authenticate("alice", PASSWORD, BUDGET).username == "alice"

    def test_a_password_judged_by_one_server_is_not_shown_to_the_next(
        self, fire: Slapd, own_server: Slapd
    ) -> None:
        """Each server would count it as another failure, and lock the account sooner."""
        length = own_server.log_length()
        directory = LdapDirectory(settings_for(fire, fire.ldaps_uri, own_server.ldaps_uri))
        with pytest.raises(WrongPassword):
            directory.authenticate("alice", "wrong", BUDGET)

        assert not own_server.binds(length)

    def test_an_impostor_is_told_before_a_dead_server(self, fire: Slapd, tmp_path: Path) -> None:
        other = tmp_path / "other.pem"
        trustme.CA().cert_pem.write_to_path(other)
        dead = f"ldaps://127.0.0.1:{free_ports(1)[0]}"
        directory = LdapDirectory(settings_for(fire, dead, fire.ldaps_uri, ca_file=other))

        with pytest.raises(DirectoryUntrusted):
            directory.authenticate("alice", PASSWORD, BUDGET)

    def test_a_referral_is_never_followed(self, authority: trustme.CA, tmp_path: Path) -> None:
        """The search meets a referral beside the entry, and a base that is all referral."""
        with socket.create_server(("127.0.0.1", 0)) as trap:
            trap.settimeout(0.2)
            there = f"ldap://127.0.0.1:{trap.getsockname()[1]}/dc=elsewhere"
            people = person("alice", "40011") + (
                f"dn: ou=away,{PEOPLE}\nobjectClass: referral\nobjectClass: extensibleObject\n"
                f"ou: away\nref: {there}\n\n"
            )
            with Slapd(tmp_path / "referring", authority, people=people) as server:
                found = ask(server)
                elsewhere = LdapDirectory(settings_for(server, base=f"ou=away,{PEOPLE}"))
                with pytest.raises(DirectoryUnavailable):
                    elsewhere.authenticate("alice", PASSWORD, BUDGET)

            assert found.username == "alice"
            with pytest.raises(TimeoutError):
                trap.accept()


class TestTeam:
    """A team is whole, or empty and said to be."""

    def many(self, number: int) -> str:
        manager = f"uid=alice,{PEOPLE}"
        return person("alice", "1") + "".join(
            person(f"p{each}", f"9{each:05}", manager=manager) for each in range(number)
        )

    def test_a_team_of_several_pages_is_read_whole(
        self, authority: trustme.CA, tmp_path: Path
    ) -> None:
        with Slapd(tmp_path / "big", authority, people=self.many(450)) as server:
            found = ask(server)

        assert (len(found.team), found.team_complete) == (450, True)

    def test_part_of_a_team_is_no_team(self, authority: trustme.CA, tmp_path: Path) -> None:
        """The server ends the paged search before it has given everyone."""
        with Slapd(
            tmp_path / "short",
            authority,
            people=self.many(450),
            limits="limits * size.prtotal=300",
        ) as server:
            found = ask(server)

        assert (found.team, found.team_complete) == (frozenset(), False)

    def test_a_team_without_bound_is_no_team(
        self, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gateway.identity.directories.ldap_conversation.TEAM_LIMIT", 200)
        with Slapd(tmp_path / "huge", authority, people=self.many(450)) as server:
            found = ask(server)

        assert (found.team, found.team_complete) == (frozenset(), False)


class TestSettings:
    """What a directory says when it is not the one that was meant to be set."""

    def test_a_refused_search_account_is_said_to_be(self, fire: Slapd, tmp_path: Path) -> None:
        wrong = tmp_path / "password"
        wrong.write_text("not the password")
        wrong.chmod(0o600)
        directory = LdapDirectory(settings_for(fire, bind_password_file=wrong))

        with pytest.raises(DirectoryMisconfigured, match="account to search with"):
            directory.authenticate("alice", PASSWORD, BUDGET)

    def test_a_password_file_opened_to_others_later_is_refused(
        self, fire: Slapd, tmp_path: Path
    ) -> None:
        file = tmp_path / "password"
        file.write_bytes(fire.bind_password_file.read_bytes())
        file.chmod(0o600)
        directory = LdapDirectory(settings_for(fire, bind_password_file=file))
        file.chmod(file.stat().st_mode | stat.S_IRGRP)

        with pytest.raises(DirectoryMisconfigured, match="chmod 600"):
            directory.authenticate("alice", PASSWORD, BUDGET)

    def test_a_base_that_is_not_there_is_said_to_be(self, fire: Slapd) -> None:
        directory = LdapDirectory(settings_for(fire, base=f"ou=nowhere,{SUFFIX}"))

        with pytest.raises(DirectoryMisconfigured, match="base"):
            directory.authenticate("alice", PASSWORD, BUDGET)

    def test_a_search_as_nobody_finds_nobody_here(self, fire: Slapd) -> None:
        """This directory shows nothing to strangers."""
        with pytest.raises((WrongCredentials, DirectoryMisconfigured)):
            LdapDirectory(settings_for(fire, bind_dn=None)).authenticate("alice", PASSWORD, BUDGET)


class TestProbe:
    """What readiness and `directory test` learn without anybody's password."""

    def test_a_good_server_goes_through_every_step(self, fire: Slapd) -> None:
        report = LdapDirectory(settings_for(fire)).probe(BUDGET)

        assert report.usable
        assert [(step.step, step.passed) for step in report.steps] == [
            ("name", True),
            ("connect", True),
            ("tls", True),
            ("bind", True),
            ("search", True),
        ]

    def test_a_dead_server_fails_at_its_step_and_another_makes_the_directory_usable(
        self, fire: Slapd
    ) -> None:
        dead = f"ldaps://127.0.0.1:{free_ports(1)[0]}"
        report = LdapDirectory(settings_for(fire, dead, fire.ldaps_uri)).probe(BUDGET)

        assert report.usable
        assert [step.step for step in report.steps if not step.passed] == ["connect"]
        assert "connection refused" in report.steps[1].detail

    def test_no_server_means_not_usable(self, fire: Slapd) -> None:
        dead = f"ldaps://127.0.0.1:{free_ports(1)[0]}"

        assert not LdapDirectory(settings_for(fire, dead)).probe(BUDGET).usable


def test_many_sign_ins_at_once_do_not_mix(fire: Slapd) -> None:
    """Nothing of one sign-in is kept for another."""
    directory = LdapDirectory(settings_for(fire))
    mixed: list[str] = []

    def sign_in(name: str) -> None:
        for _ in range(5):
            found = directory.authenticate(name, PASSWORD, 20.0).username
            if found != name:
                mixed.append(found)

    running = [
        threading.Thread(target=sign_in, args=(name,)) for name in ("alice", "bob", "carol") * 2
    ]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()

    assert mixed == []


def test_a_sign_in_leaves_nothing_open(fire: Slapd) -> None:
    """Each would be a file descriptor or a thread for ever."""
    directory = LdapDirectory(settings_for(fire))
    directory.authenticate("alice", PASSWORD, BUDGET)
    before = len(os.listdir("/proc/self/fd")), threading.active_count()  # noqa: PTH208
    for _ in range(5):
        directory.authenticate("alice", PASSWORD, BUDGET)
        with pytest.raises(WrongCredentials):
            directory.authenticate("alice", "wrong", BUDGET)
    after = len(os.listdir("/proc/self/fd")), threading.active_count()  # noqa: PTH208

    assert after == before


class TestLookUp:
    """The background re-check: somebody known by their id, without their password."""

    def test_it_gives_what_signing_in_gave(self, fire: Slapd) -> None:
        person = ask(fire)

        assert LdapDirectory(settings_for(fire)).look_up(person.directory_id, BUDGET) == person

    @pytest.mark.parametrize("gone", [str(uuid.UUID(int=1)), "*", "a)(uid=*"])
    def test_an_id_that_is_not_there_is_gone(self, fire: Slapd, gone: str) -> None:
        with pytest.raises(PersonGone):
            LdapDirectory(settings_for(fire)).look_up(gone, BUDGET)

    def test_a_directory_that_is_away_says_nothing_about_anybody(self, own_server: Slapd) -> None:
        """Its silence must not end everybody's session as if they were gone."""
        own_server.stop()
        with pytest.raises(DirectoryUnavailable):
            LdapDirectory(settings_for(own_server)).look_up(str(uuid.UUID(int=1)), BUDGET)
