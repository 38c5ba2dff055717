"""Criterion `post`."""

from __future__ import annotations

import pytest

from policies.criteria import Result
from policies.criteria.post import InPosts
from tests.policies.people import asked, subject


@pytest.mark.parametrize(
    ("posts", "expected"),
    [
        (["hr"], Result.MET),
        (["hr", "manager"], Result.MET),
        (["HR"], Result.NOT_MET),
        (["manager"], Result.NOT_MET),
        ([], Result.UNKNOWN),
    ],
)
def test_any_listed_post_is_enough_and_none_at_all_is_unknown(
    posts: list[str], expected: Result
) -> None:
    """A directory that gives no posts has not said that somebody holds none."""
    criterion = InPosts(frozenset({"hr", "payroll-clerk"}))

    assert criterion.result(asked(subject("DBSB", posts=posts))) is expected
