"""A second implementation of the rulings, slow and simple, agrees with the first one in random situations.

`tests/policy/brute` was written from docs/rulings.md, without a line of syncd/policy. The disagreements that were found
with it, and who was right, are listed in docs/evidence/brute-force.md.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

import pytest

from .brute.adapter import differences, played, smallest, told
from .brute.situations import situation

CHUNK = 1000


def agree(seeds: range) -> None:
    """Both say the same of every situation; else the seed, the smallest such situation, and what differs are told."""
    for seed in seeds:
        if next(iter(differences(situation(seed))), None) is not None:
            given = smallest(situation(seed))
            pytest.fail("\n".join([told(given), *differences(given)]))


def test_two_implementations_rule_the_same_in_random_situations() -> None:
    agree(range(250))


@pytest.mark.counts
@pytest.mark.parametrize("chunk", range(10))
def test_two_implementations_rule_the_same_ten_thousand_times(chunk: int) -> None:
    agree(range(chunk * CHUNK, (chunk + 1) * CHUNK))


@pytest.mark.deep
@pytest.mark.parametrize("chunk", range(10, 60))
def test_two_implementations_rule_the_same_fifty_thousand_times(chunk: int) -> None:
    agree(range(chunk * CHUNK, (chunk + 1) * CHUNK))


@lru_cache(maxsize=1)
def ends() -> Counter[str]:
    """What the first 1,000 situations come to: applications, protections that ended, codes of collisions."""
    found: Counter[str] = Counter()
    for seed in range(1000):
        for outcome in (step[2] for step in played(situation(seed)) if not isinstance(step, str)):
            found.update(state.application.value for state in outcome.states)
            found.update("expired" for state in outcome.states if state.protection == "expired")
            found.update(collision.code.value for collision in outcome.collisions)
    return found


@pytest.mark.counts
@pytest.mark.parametrize(
    ("what", "least"),
    [("approved", 400), ("rejected", 400), ("returned", 100), ("waiting", 50), ("review", 200), ("expired", 100)],
)
def test_the_situations_reach_every_kind_of_end(what: str, least: int) -> None:
    """A second implementation proves nothing about what never happens."""
    assert ends()[what] >= least


@pytest.mark.counts
@pytest.mark.parametrize("code", ["C01", "C03", "C06", "C07", "C08", "C09", "C10", "C11", "C13", "C14", "C15", "C17",
                                  "C18", "C53"])  # fmt: skip
def test_the_situations_reach_every_code(code: str) -> None:
    assert ends()[code] > 0
