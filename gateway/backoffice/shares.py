"""How people share what a worker has a number of: connections to a system, WebSockets.

Nobody has more than seven times what is then left, but for a few that anybody may have: of 64 one
person gets 56, the next who takes all they get 7, and there is one for somebody else. Fixed shares
would hold back who is alone, or be taken by two together.
"""

from typing import Final

PERSON_SHARE: Final = "person-share"
"""Why somebody was given none: they have their share in use."""

_TIMES_LEFT: Final = 7  # with 3, one person alone was served at 0.9 of the rate
_FEW: Final = 16  # one of so many anybody may have as long as there is one


class Shares:
    """The shares in one number of things.

    Attributes:
        plenty: with fewer in use there is one for everybody, and nobody has to be counted.
    """

    __slots__ = ("_few", "plenty")

    def __init__(self, most: int) -> None:
        """Share out.

        Args:
            most: how many there are.
        """
        self._few = max(1, most // _FEW)
        self.plenty = max(1, most * _TIMES_LEFT // (_TIMES_LEFT + 1))

    def allow(self, theirs: int, left: int) -> bool:
        """Tell whether somebody may have one more.

        Args:
            theirs: how many they then have.
            left: how many are then left, 0 or more.
        """
        return theirs <= max(self._few, _TIMES_LEFT * left)
