"""How far two sets of times lie apart."""

from __future__ import annotations

from tests.benchmarks.privacy import cohens_d


def test_a_difference_is_told_in_standard_deviations() -> None:
    assert cohens_d([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]) == 1.0
    assert cohens_d([2.0, 3.0, 4.0], [1.0, 2.0, 3.0]) == 1.0
    assert cohens_d([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) == 0.0
    assert cohens_d([1.0, 1.0], [1.0, 1.0]) == 0.0
