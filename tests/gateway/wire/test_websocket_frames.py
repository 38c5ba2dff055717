"""Where frames end, however they are cut up on their way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.websocket_frames import FrameBounds, close_frame


def frame(length: int, *, first: int = 0x82, masked: bool = False) -> bytes:
    mask = 0x80 if masked else 0
    if length < 126:
        head = bytes((first, mask | length))
    elif length < 1 << 16:
        head = bytes((first, mask | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((first, mask | 127)) + length.to_bytes(8, "big")
    return head + (b"mask" if masked else b"") + b"\x88" * length


FRAMES = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 125, 126, 127, 300, 65_535, 65_536, 70_000]),
        st.sampled_from([0x81, 0x02, 0xC2, 0x89, 0x00]),
        st.booleans(),
    ),
    max_size=5,
)


@settings(max_examples=40)
@given(frames=FRAMES, cuts=st.lists(st.integers(0, 140_000), max_size=12))
def test_it_stands_between_frames_exactly_where_they_end(
    frames: list[tuple[int, int, bool]], cuts: list[int]
) -> None:
    """Whatever the pieces are that arrive, and whatever frames hold."""
    data, ends = b"", {0}
    for length, first, masked in frames:
        data += frame(length, first=first, masked=masked)
        ends.add(len(data))
    bounds, at = FrameBounds(), 0
    for cut in sorted({min(each, len(data)) for each in cuts} | {len(data)}):
        bounds.follow(data[at:cut])
        at = cut
        assert bounds.between is (at in ends)
    assert not bounds.closed


@pytest.mark.parametrize("pieces", [1, 2, 3, 100])
def test_a_head_that_comes_in_pieces_is_read_whole(pieces: int) -> None:
    data = frame(70_000, masked=True) + close_frame(1000)
    bounds = FrameBounds()
    for at in range(0, len(data), pieces):
        bounds.follow(data[at : at + pieces])

    assert bounds.between
    assert bounds.closed


def test_a_close_frame_is_told_from_what_others_hold() -> None:
    """The bytes of a message may be those of a close frame."""
    bounds = FrameBounds()
    bounds.follow(frame(4, first=0x82))

    assert not bounds.closed
    bounds.follow(close_frame(1008))
    assert bounds.closed


def test_the_frame_by_which_we_end_is_one_of_the_standard() -> None:
    """RFC 6455 section 5.5.1: final, opcode 8, unmasked, the code in two bytes."""
    assert close_frame(1008) == b"\x88\x02\x03\xf0"
