"""The shape of the tree: names, sizes, tests, who imports what, what is tracked."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest

from tests.structure.tree import PACKAGES, PROJECT, calls_of, imported_by, modules, read, tracked

FORBIDDEN_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "base",
    "core",
    "manager",
    "misc",
}
MOST_LINES = 400
# Modules without a test file of their own, and why none is needed.
TESTED_ELSEWHERE = {
    "gateway/front/back_office_parts.py": "tested by the assembly, of which it is a part",
    "gateway/same_origin.py": "tested by the pipeline: tests/gateway/test_pipeline.py",
    "gateway/identity/directories/door.py": "a value",
    "gateway/cli/record_rows.py": "through the commands that add up, catalogue and policy access",
    "gateway/store/schema_policy.py": "a table; tests/gateway/test_policy_versions.py uses it",
    "gateway/acts.py": "protocols only",
    "gateway/backoffice/treatment/unfit.py": "an exception",
    "gateway/refused.py": "a value; what a caller meets is tested with the pipeline",
    "gateway/audit/recorder_limits.py": "values",
    "gateway/errors.py": "a family of exceptions without behaviour",
    "gateway/settings_faults.py": "its words are tested with the settings",
    "gateway/settings_sections.py": "tested with the settings",
    "gateway/settings_upstreams.py": "tested with the settings",
    "gateway/backoffice/upstream_address.py": "a value",
    "gateway/settings_vetting.py": "tested with the settings",
    "gateway/settings_directories.py": "tested with the settings",
    "gateway/settings_directory_checks.py": "tested with the settings",
    "gateway/wire/handler.py": "protocols only",
    "gateway/backoffice/response_sink.py": "protocols only",
    "gateway/entrance/inside.py": "protocols only",
    "policies/lint_agreements.py": "tested with the other findings on a policy set",
    "policies/lint_finding.py": "a value",
    "policies/prepared_rule.py": "tested with the candidates that are made of such rules",
    "gateway/wire/limits.py": "values",
    "gateway/audit/errors.py": "a family of exceptions without behaviour",
    "gateway/identity/directories/directory.py": "protocols and exceptions",
    "gateway/pages/provider_services.py": "protocols only",
    "gateway/identity/directories/ldap_dialect.py": "a protocol and a value",
    "gateway/identity/signing_in/factor_holder.py": "a value",
    "gateway/pages/factor_services.py": "protocols only",
    "gateway/pages/register_services.py": "protocols only",
    "gateway/pages/count_services.py": "values and a protocol only",
    "gateway/front/factor_parts.py": "tested by the journeys of second factors",
    "gateway/front/factor_record.py": "tested with the desks",
    "gateway/cli/check_steps.py": "tested with `gateway check`",
    "gateway/cli/completion.py": "tested with the commands' entry",
    "gateway/cli/finding.py": "a value",
    "gateway/cli/lazy_group.py": "tested with the commands' entry",
    "gateway/cli/opening.py": "every command opens by it",
    "gateway/cli/workplace.py": "tested with the commands that change something",
    "gateway/cli/operator_act.py": "tested with the commands that change something",
    "gateway/cli/oracle_sample.py": "tested with `gateway policy check`",
    "gateway/cli/register_change.py": "tested with `gateway vetting`",
    "gateway/cli/register_desk.py": "tested with `gateway vetting`",
    "gateway/cli/vetting_changes.py": "tested with `gateway vetting`",
    "gateway/cli/openapi.py": "tested with the document, tests/gateway/openapi/test_document.py",
    "gateway/openapi/answers.py": "tested with the document, and what is said by the attacks",
    "gateway/openapi/documents.py": "what it says is tried by tests/attacks/test_apis.py",
    "gateway/openapi/feeds.py": "tested with what `gateway vetting import` tells",
    "gateway/openapi/pages.py": "what it says is tried by tests/attacks/test_apis.py",
    "gateway/openapi/proxies.py": "what it says is tried by tests/attacks/test_apis.py",
    "vetting/feed_schema.py": "tested with the command that prints it",
    "gateway/cli/schema.py": "tested with the settings and the published schema",
}
# Whole folders that only hold together what is tested by driving the stack.
DRIVEN_FOLDERS = ("gateway/store/migrations/",)
MACHINE_PATHS = re.compile(r"/wor[k]/|/roo[t]/|/hom[e]/(?!gateway\b)[a-z]|/User[s]/")


@pytest.mark.parametrize("name", [*modules(), *(n for n in tracked() if n.startswith("deploy/"))])
def test_a_file_is_named_for_what_it_holds(name: str) -> None:
    """A module that would be called so has not been understood yet."""
    parts = {PurePosixPath(part).stem for part in PurePosixPath(name).parts}

    assert not parts & FORBIDDEN_NAMES


def test_files_are_short() -> None:
    """One subject a file; what is longer holds two."""
    long = {name: count for name in modules() if (count := read(name).count("\n")) > MOST_LINES}

    assert long == {}


def test_every_module_is_tested_by_its_own_file_or_says_where() -> None:
    untested = {
        name
        for name in modules()
        if not name.endswith("__init__.py")
        and not name.startswith(DRIVEN_FOLDERS)
        and not has_test(name)
    }

    assert untested - TESTED_ELSEWHERE.keys() == set()


def test_the_list_of_exceptions_is_not_out_of_date() -> None:
    """Who has got a test file, or is gone, needs no excuse."""
    stale = {name for name in TESTED_ELSEWHERE if has_test(name) or name not in modules()}

    assert stale == set()


def has_test(name: str) -> bool:
    path = PurePosixPath(name)
    return (PROJECT / "tests" / path.parent / f"test_{path.name}").is_file()


def test_a_grant_is_made_in_the_pipeline_only() -> None:
    """INVARIANT: nobody else can let anything through."""
    makers = {
        name: calls_of(read(name), "Grant") for name in modules() if calls_of(read(name), "Grant")
    }

    assert makers == {"gateway/pipeline.py": 1}
    assert calls_of("import v\nx = v.Grant(decision=1)\ny = Grant()", "Grant") == 2


@pytest.mark.parametrize(
    ("package", "importers"),
    [
        ("flask", "gateway/pages/"),
        ("ldap", "gateway/identity/"),
        ("casbin", "policies/casbin_oracle.py"),
        ("gunicorn", "gateway/front/"),
        ("httptools", ("gateway/wire/", "gateway/backoffice/")),
        ("webauthn", "gateway/identity/factors/security_key.py"),
        ("pyotp", "gateway/identity/factors/second_factor.py"),
        ("gssapi", "gateway/identity/desktops/kerberos.py"),
        ("joserfc", ("gateway/backoffice/", "gateway/front/", "gateway/identity/", "gateway/key")),
        ("authlib", "gateway/identity/providers/oidc_directory.py"),
        ("httpx", "gateway/identity/providers/"),
    ],
)  # fmt: skip
def test_a_library_is_imported_in_its_place_only(
    package: str, importers: str | tuple[str, ...]
) -> None:
    """import-linter holds most of this; here it is seen that the libraries are used at all."""
    found = [name for name in modules() if package in imported_by(read(name))]

    assert found
    assert [name for name in found if not name.startswith(importers)] == []


def test_the_floors_below_know_no_clock_and_no_web() -> None:
    """The instant is handed in, so that any moment can be asked about."""
    for name in modules():
        if name.startswith(("vetting/", "policies/")):
            source = read(name)
            assert not imported_by(source) & {"time", "flask", "werkzeug", "httptools", "gateway"}
            assert not re.search(r"\b(datetime\.now|utcnow|date\.today)\(", source), name


def test_nothing_third_party_is_tracked() -> None:
    """Style sheets and scripts of others come from the registry at set-up, pinned."""
    ours = {
        "deploy/demo/provider/provider.mjs",
        "gateway/pages/static/gateway.css",
        "gateway/pages/static/gateway.js",
        "gateway/pages/static/security-key.js",
    }
    assets = {
        name
        for name in tracked()
        if name.endswith((".css", ".js", ".mjs", ".map", ".woff", ".woff2", ".ttf"))
        and not name.startswith("deploy/demo/backoffice/media/")
    }

    assert assets <= ours
    assert not any("/vendor/" in name or "node_modules" in name for name in tracked())
    for name in assets:
        assert ".min." not in name
        assert max(map(len, read(name).splitlines())) < 400, f"{name} looks generated"


def test_no_path_of_a_machine_is_tracked() -> None:
    """What names one machine works on one machine."""
    here = "tests/structure/test_tree.py"
    found = [
        f"{name}: {hit[0]}"
        for name in tracked()
        if name != here and is_text(name) and (hit := MACHINE_PATHS.search(read(name)))
    ]

    assert found == []
    sample = "/".join(("open('", "work", "main", "x')"))
    assert MACHINE_PATHS.search(sample)


def is_text(name: str) -> bool:
    return not name.endswith((".png", ".ico", ".gz", ".xz", ".woff2")) and not name.startswith(
        "deploy/locks/"
    )


def test_nothing_secret_is_tracked() -> None:
    marks = ("PRIVATE " + "KEY-----", "BEGIN OPENSSH", "AKIA")
    found = [name for name in tracked() if is_text(name) and any(m in read(name) for m in marks)]

    assert [name for name in found if not name.startswith("tests/")] == []
    assert not [name for name in tracked() if name.endswith((".key", ".pem", ".p12", ".sqlite"))]


def test_the_readme_opens_with_the_two_commands() -> None:
    """Whoever arrives runs something within a minute."""
    opening = read("README.md").splitlines()[:30]
    commands = [line.strip().split("  ")[0] for line in opening if line.strip().startswith("make ")]

    assert commands[:2] == ["make demo", "make test"]


def test_no_file_is_left_half_written() -> None:
    """A placeholder in what people read is a promise nobody kept."""
    marks = re.compile(r"\b(TODO|FIXME|XXX|TBD|LOREM|BENCH_FIGURES)\b")
    here = "tests/structure/test_tree.py"
    found = [
        f"{name}: {hit[0]}"
        for name in tracked()
        if name.split("/")[0]
        in {*PACKAGES, "README.md", "ARCHITECTURE.md", "SECURITY.md", "deploy"}
        and is_text(name)
        and name != here
        and (hit := marks.search(read(name)))
    ]

    assert found == []
