"""The settings file: whole and checked, or refused with every fault at once."""

# ruff: noqa: E501 - the table of faults reads best with a fault a line

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticUndefined

from gateway.errors import SettingsError
from gateway.settings import Settings, json_schema, load_settings

DEPLOY = Path(__file__).parents[2] / "deploy"

MINIMAL = """\
[gateway]
origin = "http://localhost:8080"
state_directory = "state"
host_organisation = "cheshire-police"

[policy]
directory = "policy"

[keys]
directory = "keys"

[record]
directory = "record"
origin = "demo/log"

[[organisation]]
id = "cheshire-police"
name = "Cheshire Constabulary"
kind = "police"
help_contact = "the service desk"
directory = [{ kind = "ldap", uris = ["ldaps://127.0.0.1:6361"], ca_file = "ca.pem", base = "dc=police" }]

[[upstream]]
id = "ebs"
url = "http://127.0.0.1:9000"
audience = "ebs"
paths = ["/OA_HTML/"]
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a settings file beside the folders and files the minimal one names."""
    (tmp_path / "policy").mkdir()
    (tmp_path / "ca.pem").write_text("certificate")

    def written(text: str) -> Path:
        path = tmp_path / "gateway.toml"
        path.write_text(text)
        return path

    return written


def faults(path: Path) -> list[str]:
    """Give the faults of a file as people read them, without its name."""
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    return [str(fault).removeprefix(f"{path}:") for fault in caught.value.faults]


def test_the_minimal_file_gives_settings_with_defaults(write: Write, tmp_path: Path) -> None:
    settings = load_settings(write(MINIMAL))

    assert settings.gateway.workers == 2
    assert settings.gateway.header_bytes == 65_536
    assert settings.gateway.header_count == 100
    assert settings.gateway.header_seconds == 3
    assert (settings.gateway.session_idle_minutes, settings.gateway.session_absolute_hours) == (
        30,
        10,
    )
    assert settings.listen_address == ("127.0.0.1", 8080)
    assert settings.secure_origin is False
    directory = settings.organisations[0].password_directory
    assert directory is not None
    assert directory.attributes.directory_id == "entryUUID"
    assert settings.upstreams[0].first_byte_seconds == 30
    assert settings.store_url == f"sqlite:///{tmp_path}/state/gateway.sqlite"


def test_relative_paths_start_at_the_folder_of_the_file(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator may start the service from anywhere."""
    path = write(MINIMAL)
    monkeypatch.chdir("/")

    settings = load_settings(path)

    assert settings.policy.directory == tmp_path / "policy"
    assert settings.organisations[0].directories[0].ca_file == tmp_path / "ca.pem"
    assert settings.keys.directory.is_absolute()


def test_settings_cannot_be_changed(write: Write) -> None:
    settings = load_settings(write(MINIMAL))

    with pytest.raises(ValidationError, match="frozen"):
        settings.gateway.workers = 9


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[keys]", "[kees]", "9: kees: unknown section `kees`; did you mean `keys`?"),
        ('[keys]\ndirectory = "keys"\n', "", "1: section `[keys]` is missing; see"),
        ("origin = \"http://localhost:8080\"\n", "", "1: gateway.origin: `origin` is missing; write how staff reach"),
        ("[gateway]", "[gateway]\nworker = 3", "2: gateway.worker: unknown key `worker`; did you mean `workers`?"),
        ("[gateway]", '[gateway]\nworkers = "2"', "2: gateway.workers: must be a whole number, not text"),
        ("[gateway]", "[gateway]\nworkers = true", "2: gateway.workers: must be a whole number, not true or false"),
        ("[gateway]", "[gateway]\nworkers = 2.5", "2: gateway.workers: must be a whole number, not the number 2.5"),
        ("[gateway]", "[gateway]\nworkers = 0", "2: gateway.workers: `0` must be at least 1"),
        ("[gateway]", "[gateway]\nservice_name = 2026-01-01", "2: gateway.service_name: must be text in quotes, not a date"),
        ("[gateway]", '[gateway]\nservice_name = ""', "2: gateway.service_name: must have at least 1 characters"),
        ("[gateway]", '[gateway]\nlisten = "8080"', "2: gateway.listen: `8080` does not have the form expected"),
        ("[gateway]", '[gateway]\nlisten = "127.0.0.1:99999"', "2: gateway.listen: port `99999` does not exist"),
        ("[gateway]", '[gateway]\nlisten = "0.0.0.0:80"', "2: gateway.listen: `0.0.0.0` is open to others while"),
        ("http://localhost:8080", "http://gate.example", "2: gateway.origin: `http://gate.example` is plain HTTP off localhost"),
        ("http://localhost:8080", "http://localhost:8080/x", "2: gateway.origin: `http://localhost:8080/x` does not"),
        ('"state"', '"\\u0000"', "3: gateway.state_directory: is not a path"),
        ('host_organisation = "cheshire-police"', 'host_organisation = "cheshire-polise"', "4: gateway.host_organisation: `cheshire-polise` is not among the organisations; did you mean `cheshire-police`?"),
        ('"policy"', '"polcy"', "7: policy.directory: `"),
        ('"ca.pem"', '"gone.pem"', "21: organisation[1].directory[1].ca_file: `"),
        ("ldaps://127", "http://127", "21: organisation[1].directory[1].uris[1]: `http://127.0.0.1:6361` does not have"),
        ('kind = "ldap", ', '', "21: organisation[1].directory[1]: `kind` is missing; write the kind of directory"),
        ('"ldap"', '"nis"', "21: organisation[1].directory[1]: kind `nis` is unknown; write the kind of directory"),
        ('"ldap"', '"active-directory"', "21: organisation[1].directory[1].domain: `domain` is missing; write the DNS name"),
        ('"dc=police" }', '"dc=police", crl_file = "gone.pem" }', "21: organisation[1].directory[1].crl_file: `"),
        ('"dc=police" }', '"dc=police", direct_bind = "uid={name}" }', "21: organisation[1].directory[1].direct_bind: `uid={name}` does not"),
        ('"dc=police" }', '"dc=police", groups = { base = "ou=g" } }', "21: organisation[1].directory[1].groups.posts: `posts` is missing; write the DN of each group"),
        ('[{ kind = "ldap"', '[{ kind = "ldap", id = "spare", uris = ["ldaps://a"], ca_file = "ca.pem", base = "dc=a" }, { kind = "ldap"', "21: organisation[1].directory[2].kind: `cheshire-police` has a directory that takes passwords already"),
        ('[{ kind = "ldap"', '[{ kind = "ldap", uris = ["ldaps://a"], ca_file = "ca.pem", base = "dc=a" }, { kind = "ldap"', "21: organisation[1].directory[2].id: `cheshire-police` is the id of another directory"),
        ('["ldaps://127.0.0.1:6361"]', "[]", "21: organisation[1].directory[1].uris: must have at least 1 entries"),
        ('"dc=police" }', '"dc=police", budget_seconds = 60 }', "21: organisation[1].directory[1].budget_seconds: `60` must be at most 30"),
        ('"dc=police" }', '"dc=police", lockout_threshold = 1 }', "21: organisation[1].directory[1].lockout_threshold: a directory that locks at the first"),
        ('"dc=police" }', '"dc=police", bind_dn = "cn=gate" }', "21: organisation[1].directory[1].bind_dn: `bind_dn` stands without `bind_password_file`"),
        ('"dc=police" }', '"dc=police", name_filter = "(uid=*)" }', "21: organisation[1].directory[1].name_filter: `(uid=*)` does"),
        ('"dc=police" }', '"dc=police", attributes = { vetting = "clearance" } }', "21: organisation[1].directory[1].attributes.vetting: unknown key `vetting`"),
        ('id = "cheshire-police"', 'id = "cheshire-police"\nemail_domains = ["a.example", "A.example"]', "18: organisation[1].email_domains[2]: `A.example` does not"),
        ('id = "cheshire-police"', 'id = "cheshire-police"\nemail_domains = ["a.example", "a.example"]', "18: organisation[1].email_domains[2]: `a.example` leads to another organisation"),
        *(('[{ kind = "ldap", uris = ["ldaps://127.0.0.1:6361"], ca_file = "ca.pem", base = "dc=police" }]', f'[{{ kind = "oidc", name = "N", client_id = "g", {rest} }}]', f"21: organisation[1].directory[1]{fault}")
          for rest, fault in (
            ('client_authentication = "none", issuer = "http://login.example"', ".issuer: `http://login.example` is plain HTTP off this machine; write https://"),
            ('client_authentication = "none", issuer = "https://login.example?a"', ".issuer: `https://login.example?a` does not"),
            ('client_authentication = "none", issuer = "https://login.example", scopes = ["email"]', ".scopes: `openid` is missing; add it"),
            ('client_authentication = "none", issuer = "https://login.example", algorithms = ["HS256"]', ".algorithms[1]: `HS256` is not one of"),
            ('client_authentication = "none", issuer = "https://login.example", claims = { sub = "email" }', ".claims.sub: unknown key `sub`"),
            ('client_authentication = "none", issuer = "https://login.example", claims = { vetting = "level" }', ".claims.vetting: unknown key `vetting`"),
            ('issuer = "https://login.example"', ".client_authentication: `client_secret_basic` does not go with no `client_secret_file`; name the file"),
            ('client_secret_file = "gone", issuer = "https://login.example"', ".client_secret_file: `"),
            ('client_authentication = "none", issuer = "https://login.example", ca_file = "gone.pem"', ".ca_file: `"),
          )),
        ('kind = "police"', 'kind = "army"', "19: organisation[1].kind: `army` is not one of 'police'"),
        ('"/OA_HTML/"]', '"/-/mine"]', "27: upstream[1].paths[1]: `/-/mine` is the gateway's own"),
        ('"/OA_HTML/"]', '"/.well-known/"]', "27: upstream[1].paths[1]: `/.well-known/` is the gateway's own"),
        ('"/OA_HTML/"]', '"OA_HTML/"]', "27: upstream[1].paths[1]: `OA_HTML/` does not have the form"),
        ("http://127.0.0.1:9000", "http://10.0.0.1:9000", "25: upstream[1].url: `http://10.0.0.1:9000` is plain HTTP off this machine"),
        *(('"/OA_HTML/"]', f'"/OA_HTML/"]\n{more}', f"{line}: upstream[1]{fault}")
          for more, line, fault in (
            ('urls = ["http://127.0.0.1:9001"]', 25, ".url: `url` and `urls` stand beside each other; write"),
            ('certificate_file = "ca.pem"', 23, ": `certificate_file` and `key_file` belong together; write both"),
            ('certificate_file = "ca.pem"\nkey_file = "gone.key"', 29, ".key_file: `"),
            ('certificate_file = "ca.pem"\nkey_file = "ca.pem"', 29, ".key_file: `"),
            ('cookies = "pass"\nsign_out_path = "/out"', 29, ".sign_out_path: the system's cookies, which"),
            ('host = "Ebs"', 28, ".host: `Ebs` does not have the form"),
            ('balance = "random"', 28, ".balance: `random` is not one of"),
            ("total_seconds = 0.5", 28, ".total_seconds: `0.5` must be at least 1"),
            ('health_path = "health"', 28, ".health_path: `health` does not have the form"),
          )),
        ('url = "http://127.0.0.1:9000"\n', "", "23: upstream[1]: `url` is missing; write where the system is reached"),
        *(('url = "http://127.0.0.1:9000"', f"urls = [{urls}]", f"25: upstream[1].urls[{number}]: {fault}")
          for urls, number, fault in (
            ('"http://127.0.0.1:1", "http://10.0.0.1"', 2, "`http://10.0.0.1` is plain HTTP off this machine"),
            ('"http://127.0.0.1:1", "http://127.0.0.1:1"', 2, "`http://127.0.0.1:1` stands there twice"),
            ('"http://127.0.0.1:1", "https://a"', 2, "`https://a` is reached otherwise"),
          )),
        ('"/OA_HTML/"]', '"/OA_HTML/"]\nresources = ["/a*/b"]', "28: upstream[1].resources[1]: `/a*/b` has a `*` inside"),
        ('"/OA_HTML/"]', '"/OA_HTML/"]\nidentity_headers = { Host = "username" }', "28: upstream[1].identity_headers.Host: `Host` is not free"),
        ('"/OA_HTML/"]', '"/OA_HTML/"]\nidentity_headers = { "X.A" = "username" }', "28: upstream[1].identity_headers.X.A: `X.A` does not"),
        ('"/OA_HTML/"]', '"/OA_HTML/"]\nidentity_headers = { X-A = "rank" }', "28: upstream[1].identity_headers.X-A: `rank` is not one of"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_line_place_and_remedy(
    write: Write, old: str, new: str, expected: str
) -> None:
    assert old in MINIMAL

    found = faults(write(MINIMAL.replace(old, new, 1)))

    assert [fault for fault in found if fault.startswith(expected)], found
    assert all("; " in fault for fault in found)


def test_all_faults_are_told_at_once_in_the_order_of_the_file(write: Write) -> None:
    """Correcting one fault must not bring the next to light."""
    text = MINIMAL.replace("[gateway]", '[gateway]\nworkrs = 2\nlisten = "0.0.0.0:1"')
    text = text.replace('"cheshire-police"\nname', '"cheshire-police"\nnmae = "x"\nname')
    text = text.replace('"ca.pem"', '"gone.pem"')
    text += '\n[[upstream]]\nid = "ebs"\nurl = "http://127.0.0.1:9001"\naudience = "e"\npaths = ["/OA_HTML/x"]\n'

    found = faults(write(text))

    places = [fault.split(": ")[1] for fault in found]
    assert places == [
        "gateway.workrs",
        "gateway.listen",
        "organisation[1].nmae",
        "organisation[1].directory[1].ca_file",
        "upstream[2].id",
        "upstream[2].paths[1]",
    ]


def test_paths_of_two_systems_may_lie_side_by_side(write: Write) -> None:
    """`/OA_HTMLX` is not within `/OA_HTML`: prefixes end at segments."""
    more = '\n[[upstream]]\nid = "b"\nurl = "http://127.0.0.1:9001"\naudience = "b"\npaths = ["/OA_HTMLX"]\n'

    settings = load_settings(write(MINIMAL + more))

    assert [upstream.id for upstream in settings.upstreams] == ["ebs", "b"]


def test_a_password_file_that_others_may_read_is_refused(write: Write, tmp_path: Path) -> None:
    text = MINIMAL.replace(
        '"dc=police" }', '"dc=police", bind_dn = "cn=g", bind_password_file = "pw" }'
    )
    secret = tmp_path / "pw"
    secret.write_text("secret")
    secret.chmod(0o640)

    found = faults(write(text))

    assert len(found) == 1
    assert f"`{secret.as_posix()[:50]}" in found[0]
    assert found[0].startswith("21: organisation[1].directory[1].bind_password_file: ")
    assert found[0].endswith(f"is open to others (mode 0640); run `chmod 600 {secret}`")
    secret.chmod(0o600)
    directory = load_settings(write(text)).organisations[0].password_directory
    assert directory is not None
    assert directory.bind_password_file == secret


@pytest.mark.parametrize(("content", "expected"), [(None, "does not exist"), ("", "is empty")])
def test_a_missing_or_empty_password_file_is_refused(
    write: Write, tmp_path: Path, content: str | None, expected: str
) -> None:
    text = MINIMAL.replace(
        '"dc=police" }', '"dc=police", bind_dn = "cn=g", bind_password_file = "pw" }'
    )
    if content is not None:
        (tmp_path / "pw").write_text(content)

    assert expected in faults(write(text))[0]


def test_a_state_directory_that_others_may_write_is_refused(write: Write, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o777)

    assert "others may write" in faults(write(MINIMAL))[0]


def test_a_file_that_is_not_toml_is_refused_with_its_line(write: Write) -> None:
    assert faults(write("[gateway]\nlisten = \n"))[0].startswith("2: ")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "no such file" in faults(tmp_path / "gone.toml")[0]


@pytest.mark.parametrize(
    "text", ["", "gateway = 1\n", "organisation = 3\n", "[organisation]\n", "[[gateway]]\n"]
)
def test_a_file_of_another_shape_is_refused_and_not_crashed_on(write: Write, text: str) -> None:
    assert len(faults(write(text))) >= 4


def test_the_published_schema_is_current() -> None:
    """Run `gateway schema > deploy/gateway.schema.json` when this fails."""
    assert json_schema() == (DEPLOY / "gateway.schema.json").read_text()


def test_the_schema_closes_every_table_and_describes_every_key() -> None:
    schema = json.loads(json_schema())

    sections = [schema, *schema["$defs"].values()]
    assert all(section["additionalProperties"] is False for section in sections)
    undescribed = [
        f"{section['title']}.{name}"
        for section in sections
        for name, field in section["properties"].items()
        if not field.get("description")
    ]
    assert undescribed == []


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """Copy the example to a folder with the files it names."""
    for folder in ("policy", "certificates", "secrets"):
        (tmp_path / folder).mkdir()
    names = ("police-ca.pem", "fire-ca.pem", "fire.crl", "police.crl", "council-ca.pem")
    for name in (
        "internal-ca.pem",
        "gate.pem",
        "vetting-unit.pub.pem",
        *(f"cheshire-{each}" for each in names),
    ):
        (tmp_path / "certificates" / name).write_text("certificate")
    for name in ("nwas-ca.pem", "gate.pem", "learning.pem"):
        (tmp_path / "certificates" / name).write_text("certificate")
    passwords = ("cheshire-police.password", "cheshire-fire.password", "mail.password")
    for name in (
        *passwords,
        "nwas.secret",
        "gate.keytab",
        "gate.key",
        "learning.key",
        "front-nginx.secret",
    ):
        password = tmp_path / "secrets" / name
        password.write_text("secret" * 8)
        password.chmod(0o600)
    (tmp_path / "accounts").mkdir()
    (tmp_path / "accounts" / "ebs.csv").write_text("staff_id,account,guid\n")
    path = tmp_path / "gateway.toml"
    path.write_text((DEPLOY / "gateway.example.toml").read_text())
    return path


def test_the_example_holds(example: Path) -> None:
    settings = load_settings(example)

    assert settings.gateway.host_organisation == "cheshire-police"


def test_the_example_shows_every_setting_with_its_default(example: Path) -> None:
    """Every setting is documented, and the example never lies about a default."""
    settings = load_settings(example)

    found: dict[type[BaseModel], list[BaseModel]] = {}
    unread: list[object] = [settings]
    while unread:
        each = unread.pop()
        if isinstance(each, BaseModel):
            found.setdefault(type(each), []).append(each)
            unread += [getattr(each, name) for name in type(each).model_fields]
        elif isinstance(each, tuple):
            unread += each
    wrong = []
    for kind, sections in found.items():
        written = set().union(*(section.model_fields_set for section in sections))
        for name, field in kind.model_fields.items():
            values = [getattr(section, name) for section in sections]
            if name not in written and field.alias not in written:
                wrong.append(f"{kind.__name__}.{name}")
            elif not (field.default_factory or isinstance(field.default, BaseModel)) and (
                field.default not in (PydanticUndefined, None, (), "", *values)
            ):
                wrong.append(f"{kind.__name__}.{name} is not {field.default!r}")

    assert wrong == []
    assert isinstance(settings, Settings)


def test_feeds_and_mail_are_checked_with_the_rest(example: Path) -> None:
    text = example.read_text().replace('username = "gateway" ', '# username = "gateway" ')
    feed = '[[vetting.feed]]\nid = "vetting-unit"\ntitle = "Again"\ngranting_bodies = ["x"]\n\n'
    example.write_text(text.replace("[mail] ", f"{feed}[mail] "))
    (example.parent / "certificates" / "vetting-unit.pub.pem").unlink()
    (example.parent / "secrets" / "mail.password").chmod(0o644)

    with pytest.raises(SettingsError) as refused:
        load_settings(example)

    told = str(refused.value)
    for expected in (
        "`vetting-unit` is the id of another feed",
        "vetting.feed[1].public_key_file",
        "`username` and `password_file` belong together",
        "is open to others",
    ):
        assert expected in told


DOMAIN_WITH_TICKETS = (
    'kind = "active-directory", uris = ["ldaps://127.0.0.1:6361"], ca_file = "ca.pem", '
    'base = "dc=police", domain = "police.example", bind_dn = "g@police.example", '
    'bind_password_file = "pw", kerberos = { keytab_file = "k", service = "HTTP@gate.example", '
    'realms = ["POLICE.EXAMPLE"] } }'
)


@pytest.fixture
def with_tickets(tmp_path: Path) -> str:
    """A minimal file with a domain whose tickets are taken, and the files it names."""
    for name in ("pw", "k"):
        (tmp_path / name).write_text("secret")
        (tmp_path / name).chmod(0o600)
    start = MINIMAL.index('kind = "ldap"')
    return MINIMAL[:start] + DOMAIN_WITH_TICKETS + MINIMAL[MINIMAL.index("]\n\n[[upstream") :]


def test_a_domain_may_take_tickets(write: Write, with_tickets: str) -> None:
    directory = load_settings(write(with_tickets)).organisations[0].password_directory

    assert directory is not None
    assert directory.kerberos is not None
    assert directory.kerberos.realms == ("POLICE.EXAMPLE",)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('["POLICE.EXAMPLE"]', '["FIRE.EXAMPLE"]', "`FIRE.EXAMPLE` is not the realm of this"),
        ('["POLICE.EXAMPLE"]', "[]", "must have at least 1 entries"),
        ("HTTP@gate", "host@gate", "write `HTTP@` and the gateway's host name"),
        ("HTTP@gate", "HTTP/gate", "write `HTTP@` and the gateway's host name"),
        ('keytab_file = "k"', 'keytab_file = "none"', "does not exist"),
        (
            'bind_dn = "g@police.example", bind_password_file = "pw", ',
            "",
            "cannot be looked up without `bind_dn`",
        ),
    ],
)
def test_tickets_that_could_sign_nobody_in_are_refused(
    write: Write, with_tickets: str, old: str, new: str, expected: str
) -> None:
    assert expected in faults(write(with_tickets.replace(old, new)))[0]


def test_a_keytab_that_others_may_read_is_refused(
    write: Write, with_tickets: str, tmp_path: Path
) -> None:
    (tmp_path / "k").chmod(0o644)

    assert (
        f"is open to others (mode 0644); run `chmod 600 {tmp_path / 'k'}`"
        in (faults(write(with_tickets))[0])
    )


def test_tickets_without_the_extra_are_told_with_what_to_install(
    write: Write, with_tickets: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gssapi", None)
    (fault,) = faults(write(with_tickets))

    assert "the extra `kerberos` is not installed" in fault
    assert "pip install 'vetted-gateway[kerberos]'" in fault
