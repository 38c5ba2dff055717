"""Reading JSON strictly: what two readers could read in two ways is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.backoffice.canonical import TargetError
from gateway.backoffice.json_body import canonicalise_json
from policies.catalogue import JsonBody

DECLARED = frozenset({"person_id", "OAFunc", "page"})


def read(body: bytes) -> JsonBody:
    return canonicalise_json(body, DECLARED)


@pytest.mark.parametrize(
    ("body", "members", "inner"),
    [
        (b"{}", (), ()),
        (b"[]", (), ()),
        (b'"x"', (), ()),
        (b" 4 ", (), ()),
        (b'{"person_id": "40012"}', (("person_id", "40012"),), ()),
        (b'{"person_id": 40012, "n": 1.5}', (("person_id", "40012"), ("n", None)), ()),
        (b'{"a": {"b": [{"person_id": 1, "x": 2}]}}', (("a", None),), ("person_id",)),
        (b'[{"page": 1}]', (), ("page",)),
        (b'{"n": -4, "t": true, "z": null}', (("n", None), ("t", None), ("z", None)), ()),
        ('{"note": "café \\u2014 \\ud83d\\ude92 \\\\u0041"}'.encode(), (("note", None),), ()),
    ],
)
def test_members_are_read_as_every_reader_does(
    body: bytes, members: tuple[tuple[str, str | None], ...], inner: tuple[str, ...]
) -> None:
    assert read(body) == JsonBody(members=members, inner=frozenset(inner))


@pytest.mark.parametrize(
    ("value", "usable"),
    [
        ('"40012"', True), ("40012", True), ("0", True), ('" 40012"', False), ('"40012\\n"', False),
        ("40012.0", False), ("4e4", False), ("-1", False), ("1234567890123456", False),
        ("true", False), ("null", False), ('["40012"]', False), ('{"x": 1}', False),
    ],
)  # fmt: skip
def test_a_value_that_some_reader_would_change_decides_nothing(value: str, *, usable: bool) -> None:
    """The member is there with no value, and whoever matches refuses that."""
    ((_, found),) = read(f'{{"person_id": {value}}}'.encode()).members

    assert (found is not None) is usable


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"a": 1, "a": 1}', "json-name-repeated"),
        (b'{"x": {"a": 1, "a": 2}}', "json-name-repeated"),
        (b'{"person_id": 1, "person_id": 2}', "json-name-repeated"),
        (b'{"a": NaN}', "json-number"),
        (b'{"a": Infinity}', "json-number"),
        (b'{"a": -Infinity}', "json-number"),
        (b'{"a": 1e999}', "json-number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "json-unreadable"),
        (b'{"a": 01}', "json-unreadable"),
        (b"{'a': 1}", "json-unreadable"),
        (b'{"a": 1,}', "json-unreadable"),
        (b'{"a": 1} {"a": 2}', "json-unreadable"),
        (b'{"a": 1} // x', "json-unreadable"),
        (b'{"a": "\n"}', "json-unreadable"),
        (b"", "json-unreadable"),
        (b'\xef\xbb\xbf{"a": 1}', "json-unreadable"),
        (b'{"a": "\xff"}', "json-encoding"),
        ('{"a": 1}'.encode("utf-16"), "json-encoding"),
        ('{"a": 1}'.encode("utf-16-le"), "json-unreadable"),
        (b'{"a": "\\ud800"}', "json-unreadable"),
        (b'{"\\udc00": 1}', "json-unreadable"),
        (b'{"person\\u005fid": 1}', "json-disguised"),
        (b'{"\\u0070erson_id": 1}', "json-disguised"),
        (b'{"a": "\\\\\\u0041"}', "json-disguised"),
        (b"[" * 33 + b"]" * 33, "json-depth"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "json-depth"),
        (b"[" * 200_000, "json-unreadable"),
        (b'{"Person_ID": 1}', "parameter-disguised"),
        (b'{"personId": 1}', "parameter-disguised"),
        (b'{"person-id": 1}', "parameter-disguised"),
        (b'{" person_id": 1}', "parameter-disguised"),
        (b'{"person_id[]": 1}', "parameter-disguised"),
        (b'{"person_id.x": 1}', "parameter-disguised"),
        (b'{"person%5Fid": 1}', "parameter-disguised"),
        (b'{"a": {"PersonId": 1}}', "parameter-disguised"),
        (b'{"a": [{"oafunc": 1}]}', "parameter-disguised"),
        ('{"per\u017fon_id": 1}'.encode(), "parameter-disguised"),
        ('{"person\uff3fid": 1}'.encode(), "parameter-disguised"),
        (b'{"person_id\\u0000": 1}', "json-name"),
    ],
)
def test_what_has_no_single_reading_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(TargetError, match=f"^{code}$"):
        read(body)


def test_32_levels_are_read() -> None:
    assert read(b"[" * 32 + b"]" * 32) == JsonBody()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
        lambda inside: (
            st.lists(inside, max_size=3)
            | st.dictionaries(st.sampled_from(["place", "note", "von", "b\u0177"]), inside)
        ),
        max_leaves=10,
    )
)
def test_what_libraries_write_is_read(value: object) -> None:
    """The control: refusing everything would pass all of the above."""
    read(json.dumps(value).encode())
    read(json.dumps(value, ensure_ascii=False).encode())
