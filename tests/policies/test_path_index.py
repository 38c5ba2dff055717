"""Finding the pattern that a path meets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.errors import PatternError
from policies.path_index import PathIndex, PathPattern
from tests.policies.steps import steps


def index(*texts: str) -> PathIndex[str]:
    return PathIndex({PathPattern.parse(text): text for text in texts})


def met(patterns: PathIndex[str], path: str) -> tuple[str, dict[str, str]] | None:
    found = patterns.find(path)
    return None if found is None else (found.value, dict(found.bindings))


INDEX = index(
    "/",
    "/bi/budget/{cc}",
    "/bi/corporate/*",
    "/custody/{id}/*",
    "/estates/jobs",
    "/estates/jobs/{job}",
    "/estates/jobs/events",
    "/a/{x}/c",
    "/a/b/{y}",
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", ("/", {})),
        ("/bi/budget/4711", ("/bi/budget/{cc}", {"cc": "4711"})),
        ("/bi/corporate/a", ("/bi/corporate/*", {})),
        ("/bi/corporate/a/b/c", ("/bi/corporate/*", {})),
        ("/custody/9/x", ("/custody/{id}/*", {"id": "9"})),
        ("/estates/jobs", ("/estates/jobs", {})),
        ("/estates/jobs/7", ("/estates/jobs/{job}", {"job": "7"})),
        ("/estates/jobs/events", ("/estates/jobs/events", {})),
        ("/a/b/c", ("/a/b/{y}", {"y": "c"})),
        ("/a/d/c", ("/a/{x}/c", {"x": "d"})),
    ],
)
def test_a_path_meets_the_most_literal_pattern(
    path: str, expected: tuple[str, dict[str, str]]
) -> None:
    assert met(INDEX, path) == expected


@pytest.mark.parametrize(
    "path",
    [
        "",
        "bi/budget/1",
        "//",
        "/bi/budget",
        "/bi/budget/",
        "/bi/budget//",
        "/bi/budget/1/",
        "/bi/budget/1/2",
        "/bi/corporate",
        "/bi/corporate/",
        "/bi/corporate//a",
        "/bi//corporate/a",
        "/BI/budget/1",
        "/custody/9",
        "/custody/9/",
        "/estates/jobs/",
        "/estates/job",
        "/estates/jobs/7/8",
        "/bi/*",
        "/a/b",
    ],
)
def test_a_path_that_is_not_exactly_a_pattern_meets_nothing(path: str) -> None:
    """Empty segments, another case, a segment too many or few: each is another page."""
    assert met(INDEX, path) is None


@pytest.mark.parametrize(
    "text",
    ["", "a", "/a/", "//", "/*", "/a/*/b", "/a/{x", "/a/x{y}", "/{X}", "/a b", "/a;b", "/%41",
     "/..", "/a/./b", "/{x}/{x}", "/a?b", "/a#b", "/ä"],
)  # fmt: skip
def test_a_pattern_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(PatternError):
        PathPattern.parse(text)


def test_two_patterns_that_differ_in_names_only_are_refused() -> None:
    for one, other in [("/a/{x}", "/a/{y}"), ("/a/{x}/*", "/a/{y}/*")]:
        with pytest.raises(PatternError, match="mean the same paths"):
            index(one, other)


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("/a/b", "/a/{x}", True),
        ("/a/*", "/a/{x}", True),
        ("/a/*", "/a/{x}/c/d", True),
        ("/a/*", "/a", False),
        ("/a/{x}", "/b/{x}", False),
        ("/a/{x}", "/a/{x}/*", False),
        ("/a/{x}/c", "/a/b/{y}", True),
        ("/a/{x}/*", "/a/*", True),
        ("/{x}/b", "/a/*", True),
        ("/a/b", "/a/c", False),
    ],
)
def test_patterns_overlap_when_some_path_meets_both(one: str, other: str, *, overlap: bool) -> None:
    first, second = PathPattern.parse(one), PathPattern.parse(other)

    assert first.overlaps(second) is overlap
    assert second.overlaps(first) is overlap


SEGMENTS = st.sampled_from(["a", "b", "{x}"])
PATTERNS = st.builds(
    lambda segments, rest: (
        "/"
        + "/".join(
            f"{{x{place}}}" if part == "{x}" else part for place, part in enumerate(segments)
        )
        + ("/*" if rest else "")
    ),
    st.lists(SEGMENTS, min_size=1, max_size=3),
    st.booleans(),
)
PATHS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=5).map(
    lambda parts: "/" + "/".join(parts)
)


@given(one=PATTERNS, other=PATTERNS, path=PATHS)
def test_a_path_that_meets_both_patterns_is_what_overlap_means(
    one: str, other: str, path: str
) -> None:
    """`overlaps` is what keeps two functions from claiming one request; it may not miss a case."""
    both = met(index(one), path) is not None and met(index(other), path) is not None

    assert not both or PathPattern.parse(one).overlaps(PathPattern.parse(other))


def test_finding_does_not_get_slower_with_the_number_of_patterns() -> None:
    few = index("/s0/{x}/end", "/t0")
    many = index(*(f"/s{i}/{{x}}/end" for i in range(5000)), *(f"/t{i}" for i in range(5000)))

    def lines(patterns: PathIndex[str]) -> int:
        return steps(lambda: patterns.find("/s0/4711/end"))

    assert 0 < lines(many) <= lines(few)
