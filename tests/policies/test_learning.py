"""Catalogue entries proposed from what a back office is seen to answer."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from policies.catalogue_file import load_catalogue
from policies.errors import PolicyFileError
from policies.learning import MANY, MOST_VALUES, Learned, Seen, learn, to_toml
from tests.policies.people import cheshire

if TYPE_CHECKING:
    from pathlib import Path


def learned(*targets: str, method: str = "GET") -> Learned:
    return learn([Seen(method=method, target=each) for each in targets], cheshire().catalogue)


def patterns(found: Learned) -> list[str]:
    return [each.path for each in found.proposals]


def test_what_the_catalogue_knows_proposes_nothing() -> None:
    found = learned("/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP", "/estates/jobs")

    assert found.known == {"pay.slip": 1, "est.job": 1}
    assert found.proposals == ()


@pytest.mark.parametrize(
    "identity",
    ["7", "40011", "2026-11-21", "PO-20417", "a.person@fire.example", "deadbeef" * 2,
     "01234567-89ab-cdef-0123-456789abcdef"],
)  # fmt: skip
def test_a_segment_that_names_one_thing_is_a_placeholder(identity: str) -> None:
    assert patterns(learned(f"/kit/{identity}/history")) == ["/kit/{id}/history"]


def test_a_word_stays_a_word() -> None:
    assert patterns(learned("/kit/loans", "/kit/returns")) == ["/kit/loans", "/kit/returns"]


def test_a_segment_with_many_values_is_a_placeholder() -> None:
    names = ["ash", "beech", "cedar", "elm", "fir", "oak"]
    assert len(names) == MANY + 1
    found = learned(*(f"/stations/{name}/kit" for name in names))

    (only,) = found.proposals
    assert (only.path, only.count) == ("/stations/{id}/kit", len(names))
    assert len(patterns(learned(*(f"/stations/{name}/kit" for name in names[1:])))) == MANY


def test_carriers_tell_functions_apart_and_other_parameters_are_only_named() -> None:
    found = learned(
        "/OA_HTML/OA.jsp?OAFunc=XX_KIT&person_id=40011",
        "/OA_HTML/OA.jsp?OAFunc=XX_KIT&sort=name",
        "/OA_HTML/OA.jsp?OAFunc=XX_HYDRANTS",
    )

    assert [(dict(each.query), each.count) for each in found.proposals] == [
        ({"OAFunc": "XX_KIT"}, 2),
        ({"OAFunc": "XX_HYDRANTS"}, 1),
    ]
    assert found.proposals[0].parameters == {"person_id", "sort"}
    assert "40011" not in to_toml(found, system="ebs").replace(found.proposals[0].examples[0], "")


def test_a_carrier_with_very_many_values_carries_nothing() -> None:
    found = learned(*(f"/list?page={number}" for number in range(MOST_VALUES + 1)))

    (only,) = found.proposals
    assert not only.query
    assert only.parameters == {"page"}


def test_methods_of_one_shape_come_together_and_head_follows_get() -> None:
    requests = [
        Seen(method=method, target="/kit/loans") for method in ("GET", "HEAD", "POST", "GET")
    ]
    (only,) = learn(requests, cheshire().catalogue).proposals

    assert only.methods == {"GET", "HEAD", "POST"}
    assert 'methods = ["GET", "POST"]' in to_toml(learned("/x"), system="ebs").replace(
        'methods = ["GET"]', 'methods = ["GET", "POST"]'
    )


def test_style_sheets_scripts_and_images_are_no_functions() -> None:
    found = learned("/OA_MEDIA/new.css", "/OA_MEDIA/new.css", "/x/logo.PNG")

    assert found.proposals == ()
    assert found.resources == {"/OA_MEDIA/new.css": 2, "/x/logo.PNG": 1}


def test_the_draft_is_toml_and_does_not_load_before_a_person_has_finished_it(
    tmp_path: Path,
) -> None:
    text = to_toml(learned("/kit/7/loans/9?sort=a", "/OA_HTML/OA.jsp?OAFunc=XX_KIT"), system="ebs")
    data = tomllib.loads(text)
    path = tmp_path / "catalogue.toml"
    path.write_text(text)

    assert [entry["match"][0]["path"] for entry in data["function"]] == [
        "/OA_HTML/OA.jsp",
        "/kit/{id}/loans/{id2}",
    ]
    with pytest.raises(PolicyFileError, match="floor"):
        load_catalogue(path, cheshire().levels)


def test_a_finished_draft_loads(tmp_path: Path) -> None:
    text = to_toml(learned("/kit/7/loans"), system="ebs")
    for open_value, value in {
        "<area.name 1>": "kit.loans",
        "<what staff call it>": "Loans of kit",
        "<area>": "Kit",
        "<OFFICIAL or OFFICIAL-SENSITIVE>": "OFFICIAL",
        "<GP or LE>": "GP",
        "<least clearance>": "BASE",
        "<whose records it shows>": "own",
    }.items():
        assert open_value in text
        text = text.replace(open_value, value)
    path = tmp_path / "catalogue.toml"
    path.write_text(text)

    match = load_catalogue(path, cheshire().levels).match("GET", "/kit/12/loans", [])
    assert match is not None
    assert match.function.id == "kit.loans"


def test_a_carrier_that_no_catalogue_could_declare_is_only_named() -> None:
    found = learned("/list?page=a%2Fb", "/list?page=1&page=2", "/list?page=a/b")

    assert [(dict(each.query), each.parameters) for each in found.proposals] == [
        ({}, frozenset({"page"})),
        ({"page": "a/b"}, frozenset()),
    ]


@pytest.mark.parametrize(
    "target", ['/a"b', "/x?a%0A[[rule]]%0A=b", "/a\\b", "/a\nb", "/\x1b[2J", '/x?OAFunc="]]']
)
def test_hostile_targets_cannot_break_out_of_the_draft(target: str) -> None:
    data = tomllib.loads(to_toml(learned(target), system='e"bs'))

    assert len(data["function"]) == 1
    assert set(data) == {"function"}
