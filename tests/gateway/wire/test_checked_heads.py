"""What was checked is not checked anew, and what differs in anything is."""

import pytest

from gateway.wire.checked_heads import Asked, CheckedHeads
from gateway.wire.limits import ConnectionLimits
from gateway.wire.request_head import HeadError, check_head

LIMITS = ConnectionLimits(
    head_bytes=200, head_fields=4, head_seconds=1, idle_seconds=1, hosts=frozenset({b"gate"})
)


def asked(*more: tuple[bytes, bytes], method: bytes = b"GET", version: str = "1.1") -> Asked:
    return method, version, [(b"Host", b"gate"), *more]


def test_the_same_fields_share_what_was_made_of_them() -> None:
    heads = CheckedHeads(LIMITS)
    first = heads.check(asked((b"Accept", b"a")), b"/1")
    first.worked_out["mine"] = 1
    second = heads.check(asked((b"Accept", b"a")), b"/2")

    assert (first.target, second.target) == (b"/1", b"/2")
    assert second.headers is first.headers
    assert second.worked_out == {"mine": 1}


@pytest.mark.parametrize(
    "other",
    [
        asked((b"Accept", b"b")),
        asked((b"accept", b"a")),
        asked((b"Accept", b"a"), method=b"POST"),
        asked((b"Accept", b"a"), version="1.0"),
        asked((b"Accept", b"a"), (b"Content-Length", b"5")),
        asked(),
    ],
)
def test_whatever_differs_is_checked_for_itself(other: Asked) -> None:
    heads = CheckedHeads(LIMITS)
    heads.check(asked((b"Accept", b"a")), b"/").worked_out["mine"] = 1
    head = heads.check(other, b"/")

    method, version, fields = other
    expected = check_head(
        method=method.decode(), target=b"/", version=version, fields=fields, hosts=LIMITS.hosts
    )
    assert head == expected
    assert head.worked_out == {}


def test_a_refused_head_is_refused_again_and_leaves_nothing() -> None:
    heads = CheckedHeads(LIMITS)
    heads.check(asked(), b"/")
    for _ in range(2):
        with pytest.raises(HeadError, match="upgrade"):
            heads.check(asked((b"Upgrade", b"x")), b"/")
    assert heads.check(asked(), b"/").headers == {b"host": b"gate"}


def test_the_limits_hold_for_what_was_checked_too() -> None:
    heads = CheckedHeads(LIMITS)
    with pytest.raises(HeadError, match="too-many-fields"):
        heads.check(asked(*[(b"X-A", b"")] * 4), b"/")
    heads.check(asked(), b"/" * 100)
    with pytest.raises(HeadError, match="head-too-large"):
        heads.check(asked(), b"/" * 200)
    with pytest.raises(HeadError, match="head-too-large"):
        heads.check(asked((b"Accept", b"a" * 200)), b"/")
