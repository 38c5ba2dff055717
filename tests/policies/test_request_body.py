"""What matching knows of a body."""

from __future__ import annotations

from policies.request_body import NO_JSON, BodyKind, JsonBody


def test_the_kinds_are_those_that_a_catalogue_may_write() -> None:
    assert [str(kind) for kind in BodyKind] == ["form", "json", "multipart", "other"]


def test_a_body_that_says_nothing_has_no_members() -> None:
    assert JsonBody() == NO_JSON
    assert (NO_JSON.members, NO_JSON.inner) == ((), frozenset())
