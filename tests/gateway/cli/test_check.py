"""`gateway check`: everything that is wrong, at once, before anything starts."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from sqlalchemy import text

from gateway.bulletin import Bulletin
from gateway.cli import check_steps
from gateway.cli.main import run
from gateway.policy_versions import PolicyVersions
from gateway.settings import load_settings
from gateway.store.engine import writing
from policies.criteria.zone import FromZones
from policies.engine import Engine
from policies.policy_files import PolicyFiles
from policies.policy_set import load_policy_set
from tests.doubles.certificates import revocation_list
from tests.gateway.cli.place import AT, LIBRARY, TEXT, Place
from tests.policies.people import SHARED, copied_set


def findings(place: Place) -> list[dict[str, Any]]:
    found = place.run("check", "--sample", "50", "--json").json()["findings"]
    assert isinstance(found, list)
    return found


def steps(place: Place, severity: str) -> set[str]:
    return {each["step"] for each in findings(place) if each["severity"] == severity}


def test_a_sound_gateway_has_no_faults(place: Place) -> None:
    place.hold("cheshire-fire/40011", "DBSB")

    told = place.run("check", "--sample", "300")

    assert told.code == 0, told.out
    assert "0 fault(s), 0 warning(s)" in told.out
    for step in ("settings", "policy set", "keys", "certificates", "register", "record"):
        assert f"ok      {step}\n" in told.out
    assert "ok      agreement with Casbin\n" in told.out


def test_faults_of_settings_are_told_with_line(place: Place) -> None:
    place.config.write_text(place.config.read_text().replace("reserve_mib = 1", "reserve_mb = 1"))

    told = place.run("check")

    assert told.code == 1
    assert "record.reserve_mb: unknown key `reserve_mb`; did you mean `reserve_mib`?" in told.out
    assert "1 fault(s)" in told.out


def test_faults_of_the_policy_set_do_not_hide_those_of_the_keys(
    place: Place, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in LIBRARY.glob("*.toml"):
        (broken / file.name).write_text(file.read_text().replace("../", f"{LIBRARY}/../", 1))
    (broken / "catalogue.toml").write_text(
        (SHARED / "catalogue.toml").read_text().replace('floor = "BASE"', 'floor = "?"', 1)
    )
    place.config.write_text(place.config.read_text().replace(str(LIBRARY), str(broken)))
    place.settings.keys.directory.chmod(0o755)

    found = findings(place)

    assert {"policy set", "keys"} <= {each["step"] for each in found if each["severity"] == "fault"}
    policy = next(each for each in found if each["step"] == "policy set")
    assert policy["file"].endswith("catalogue.toml")
    assert policy["line"] > 1


@pytest.mark.parametrize(("days", "severity"), [(29, "warning"), (31, None), (-1, "fault")])
def test_a_directorys_certificate_that_ends_soon_is_a_warning(
    place: Place, tmp_path: Path, days: int, severity: str | None
) -> None:
    ends = datetime.now(UTC) + timedelta(days=days, hours=1)  # noqa: TID251
    authority = trustme.CA()
    leaf = authority.issue_cert("directory.example", not_after=ends)
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "ca.pem")

    found = [each for each in findings(place) if each["step"] == "certificates"]

    assert {each["severity"] for each in found} == ({severity} if severity else set())


MAIL = """[mail]
host = "smtp.example"
security = "tls"
sender = "a@b.example"
ca_file = "soon.pem"

[[upstream]]"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[[upstream]]", MAIL),
        ("http://127.0.0.1:9000", 'https://127.0.0.1:9"\nca_file = "soon.pem'),
        (
            'base = "dc=fire" },',
            (
                'base = "dc=fire" }, { kind = "oidc", id = "own", name = "N", ca_file = "soon.pem",'
                ' issuer = "https://a.invalid", client_id = "g", client_authentication = "none" },'
            ),
        ),
    ],
    ids=["mail", "upstream", "provider"],
)
def test_every_authority_that_ends_soon_is_a_warning(
    place: Place, tmp_path: Path, old: str, new: str
) -> None:
    ends = datetime.now(UTC) + timedelta(days=29)  # noqa: TID251
    leaf = trustme.CA().issue_cert("a.example", not_after=ends)
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "soon.pem")
    text = place.config.read_text()
    assert old in text
    place.config.write_text(text.replace(old, new, 1))

    found = [each for each in findings(place) if each["step"] == "certificates"]
    assert [each["severity"] for each in found] == ["warning"]
    assert "soon.pem" in found[0]["message"]


@pytest.mark.parametrize(("hours", "severity"), [(24, "warning"), (96, None), (-1, "fault")])
def test_a_list_of_revoked_certificates_must_be_fresh(
    place: Place, tmp_path: Path, hours: int, severity: str | None
) -> None:
    """A stale one refuses every server of the directory."""
    crl = revocation_list(trustme.CA(), datetime.now(UTC) + timedelta(hours=hours))  # noqa: TID251
    (tmp_path / "fire.crl").write_bytes(crl)
    place.config.write_text(
        place.config.read_text().replace('"dc=fire"', '"dc=fire", crl_file = "fire.crl"')
    )
    found = [each for each in findings(place) if each["step"] == "certificates"]

    assert {each["severity"] for each in found} == ({severity} if severity else set())


def test_a_file_that_is_no_list_of_revoked_certificates_is_a_fault(
    place: Place, tmp_path: Path
) -> None:
    (tmp_path / "fire.crl").write_text("hello")
    place.config.write_text(
        place.config.read_text().replace('"dc=fire"', '"dc=fire", crl_file = "fire.crl"')
    )

    assert "certificates" in steps(place, "fault")


def test_a_domain_in_which_nobody_can_be_looked_up_is_a_warning(place: Place) -> None:
    """Who is disabled there would be noticed at the next sign-in only."""
    place.config.write_text(
        place.config.read_text().replace(
            'kind = "ldap", uris = ["ldaps://127.0.0.1:6362"]',
            'kind = "active-directory", domain = "fire.example", uris = ["ldaps://127.0.0.1:6362"]',
        )
    )
    found = [each for each in findings(place) if "bind_dn" in each["message"]]

    assert [each["severity"] for each in found] == ["warning"]


@pytest.mark.parametrize(
    ("days", "of_another", "severity"),
    [(31, False, set()), (-1, False, {"fault"}), (31, True, {"fault"})],
)
def test_our_own_certificate_for_a_system_is_looked_at_with_its_key(
    place: Place, tmp_path: Path, days: int, of_another: bool, severity: set[str]
) -> None:
    ends = datetime.now(UTC) + timedelta(days=days, hours=1)  # noqa: TID251
    begins = ends - timedelta(days=90)
    own = trustme.CA().issue_cert("gate.example", not_before=begins, not_after=ends)
    own.cert_chain_pems[0].write_to_path(tmp_path / "own.pem")
    (trustme.CA().issue_cert("x") if of_another else own).private_key_pem.write_to_path(
        tmp_path / "own.key"
    )
    (tmp_path / "own.key").chmod(0o600)
    url = 'https://127.0.0.1:9"\ncertificate_file = "own.pem"\nkey_file = "own.key'
    place.config.write_text(place.config.read_text().replace("http://127.0.0.1:9000", url))

    found = list(check_steps.certificates(load_settings(place.config), datetime.now(UTC)))  # noqa: TID251

    assert {each.severity for each in found} == severity
    assert all("own.pem" in each.message and "ebs" in each.message for each in found)


def test_a_file_that_holds_no_certificate_is_a_fault(place: Place, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("hello")

    assert "certificates" in steps(place, "fault")


def test_a_row_of_the_register_that_cannot_be_read_is_a_fault(place: Place) -> None:
    place.hold("cheshire-fire/40011", "N2F", expires_on=date(2027, 1, 1))
    with writing(place.store) as connection:
        connection.execute(text("UPDATE vetting_grant SET status = 'sure'"))

    assert "register" in steps(place, "fault")


def test_an_organisation_the_policy_set_does_not_know_is_a_fault(place: Place) -> None:
    changed = place.config.read_text().replace('id = "cheshire-fire"', 'id = "cheshire-fyre"')
    place.config.write_text(changed)

    told = place.run("check", "--sample", "1")

    assert told.code == 1
    assert "organisation[2].id: `cheshire-fyre` is not in organisations.toml" in told.out


def test_a_zone_that_rules_name_and_the_settings_do_not_have_is_a_fault(place: Place) -> None:
    shipped = load_policy_set(LIBRARY)
    zone = FromZones(frozenset({"vpn", "internet"}))
    rules = tuple(replace(each, when=(*each.when, zone)) for each in shipped.rules[:1])
    asked = replace(shipped, rules=rules)
    (found,) = check_steps.zones(place.settings, asked, place.config)

    assert found.severity == "fault"
    assert f"zone `vpn`, which rules name ({rules[0].id}), is not in the settings" in found.message
    place.config.write_text(
        place.config.read_text() + '\n[[zone]]\nid = "vpn"\nnetworks = ["10.9.0.0/16"]\n'
    )
    assert not [*check_steps.zones(load_settings(place.config), asked, place.config)]


def test_a_system_that_is_no_upstream_is_a_fault(place: Place) -> None:
    place.config.write_text(place.config.read_text().replace('id = "ebs"', 'id = "ebx"'))

    told = place.run("check", "--sample", "1")

    assert told.code == 1
    assert "the catalogue has functions of `ebs`, which is no upstream" in told.out
    assert "`ebx` has no function in the catalogue" in told.out


def test_another_host_than_that_of_the_policy_set_is_a_fault(place: Place) -> None:
    changed = place.config.read_text().replace(
        'host_organisation = "cheshire-police"', 'host_organisation = "cheshire-fire"'
    )
    place.config.write_text(changed)

    told = place.run("check", "--sample", "1")

    assert told.code == 1
    assert "gateway.host_organisation: `cheshire-fire`, but in the policy set" in told.out


def test_a_disk_too_full_for_the_record_is_a_fault(place: Place) -> None:
    (finding,) = check_steps.record(place.settings, lambda _: 2 << 20)

    assert finding.severity == "fault"
    assert "2 MiB free, 3 MiB needed to start" in finding.message
    assert list(check_steps.record(place.settings, lambda _: 3 << 20)) == []


def test_an_engine_that_casbin_does_not_agree_with_is_a_fault() -> None:
    policy_set = load_policy_set(LIBRARY)
    fewer = replace(policy_set, rules=policy_set.rules[1:])

    found = list(check_steps.oracle(policy_set, 400, AT, Engine.compile(fewer)))

    assert found
    assert "the engine says deny and Casbin permit" in found[0].message
    assert list(check_steps.oracle(policy_set, 400, AT)) == []


def test_a_gateway_that_was_never_started_has_a_warning_only(place: Place) -> None:
    place.store.dispose()
    (place.settings.gateway.state_directory / "gateway.sqlite").unlink()

    assert steps(place, "fault") == set()
    assert steps(place, "warning") == {"register"}


def test_a_missing_settings_file_is_one_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(["check", "--json", "--config", str(tmp_path / "gone.toml")])

    assert code == 1
    assert len(json.loads(capsys.readouterr().out)["findings"]) == 1


def test_files_that_are_not_what_is_in_force_are_a_warning(place: Place) -> None:
    assert "not the policy set in force" not in place.run("check").out

    bulletin = Bulletin(place.settings.gateway.state_directory)
    versions = PolicyVersions(place.store, bulletin)
    versions.begin(PolicyFiles.read(LIBRARY), load_policy_set(LIBRARY), at=AT)
    assert "not the policy set in force" not in place.run("check").out
    fewer = dict(PolicyFiles.read(LIBRARY).texts)
    fewer["agreements.toml"] = fewer["agreements.toml"].replace('"ict.ticket"]', "]")
    files = PolicyFiles(fewer)
    version = versions.propose(
        files, files.load().digest, base=1, loosens=False, reason="", by="a", at=AT
    )
    versions.put_in_force(version.number, by="a", at=AT)
    bulletin.close()

    told = place.run("check")
    assert "not the policy set in force" in told.out + told.err


# ---- what the runbook tells people to copy ---------------------------------------------------

RUNBOOK = Path(__file__).parents[3] / "deploy" / "RUNBOOK.md"
BLOCKS = re.findall(r"(?ms)^```toml\n(.*?)^```$", RUNBOOK.read_text("utf-8"))


@pytest.fixture
def copied(place: Place) -> Place:
    """The organisations of the runbook in place of those of the test, with the files they name."""
    head = place.config.read_text().partition("[[organisation]]")[0]
    tail = TEXT[TEXT.index("[[upstream]]") :]
    # No test asks a server on the internet.
    settings = "\n".join([head, *BLOCKS, tail]).replace("microsoftonline.com", "login.example")
    for name in re.findall(r'"((?:certificates|secrets)/[^"]+)"', settings):
        file = place.config.parent / name
        file.parent.mkdir(exist_ok=True)
        if name.startswith("certificates/"):
            leaf = trustme.CA().issue_cert(
                "a.example",
                not_after=datetime.now(UTC) + timedelta(days=90),  # noqa: TID251
            )
            leaf.cert_chain_pems[0].write_to_path(file)
        else:
            file.write_text("secret" * 8)
            file.chmod(0o600)
    place.config.write_text(settings)
    return place


def test_the_organisations_of_the_runbook_are_accepted(copied: Place) -> None:
    settings = load_settings(copied.config)
    kinds = [each.kind for one in settings.organisations for each in one.directories]

    assert kinds == ["active-directory", "ldap", "oidc", "oidc"]
    # A keytab cannot be made up; nothing else is wrong with what is to be copied.
    found = copied.run("check", "--sample", "50", "--json").json()["findings"]
    faults = [each["message"] for each in found if each["severity"] == "fault"]
    assert [each for each in faults if "keytab" not in each] == []


def test_a_system_that_needs_a_host_and_has_none_is_a_fault(place: Place, tmp_path: Path) -> None:
    edited = copied_set(tmp_path / "edited")
    catalogue = edited / "catalogue.toml"
    catalogue.write_text('own_host = ["ebs"]\n' + catalogue.read_text())
    asked = load_policy_set(edited)

    (found,) = check_steps.systems(load_settings(place.config), asked, place.config)
    assert "`ebs` is in `own_host` of the catalogue, and has no host" in found.message
    assert "write its `public_host`" in found.message
    place.config.write_text(place.config.read_text() + 'public_host = "ebs.localhost"\n')
    assert not [*check_steps.systems(load_settings(place.config), asked, place.config)]
