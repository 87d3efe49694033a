"""The golden pairs come out of the plain scorer and of every engine with the same levels and points."""

from __future__ import annotations

import pytest

from bench import golden_pairs


def test_the_plain_scorer_gives_the_golden_pairs() -> None:
    """Where a claim or the points table was changed on purpose: `python -m bench.golden_pairs --write`."""
    expected = golden_pairs.golden()
    assert len(expected) == golden_pairs.PAIRS
    assert golden_pairs.plainly() == expected


@pytest.mark.counts
@pytest.mark.parametrize("engine", ["process", "duckdb"])
def test_an_engine_gives_the_golden_pairs(engine: str) -> None:
    assert golden_pairs.lines(engine) == golden_pairs.golden()
