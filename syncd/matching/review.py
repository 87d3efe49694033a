"""Active review: of all links that wait for a person, those come first whose answers would teach most."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from math import log2

from syncd.model import Band, Link, Ref

_COST = {("filed", "direct"): 1.0, ("filed", "filed"): 0.5, ("direct", "direct"): 0.3}
"""What a mistake costs beside a filing linked to the wrong account, which blocks a rep or robs a partner; judged."""
_PATTERN = 0.6  # how much a second question of the same pattern still teaches, a third that of it again
_RECORD = 0.35  # and one about a record that a question before it is about: that answer may settle this one
_TELLING = 0.75  # points from which a claim is part of a question's pattern


@dataclass(frozen=True, slots=True)
class Question:
    """A pair to ask a person about. `value` is what made it come now: `uncertainty` x `cost` x weight of `hangs_on`.

    `hangs_on` counts the registrations and opportunities of both records; `alike` how many questions before it have
    the same pattern of claims.
    """

    link: Link
    value: float
    uncertainty: float
    cost: float
    hangs_on: int
    alike: int


def questions(links: Iterable[Link], role: Callable[[Ref], str], hanging: Mapping[Ref, int], most: int,
              auto: float = 0.97) -> list[Question]:  # fmt: skip
    """The `most` questions whose answers would teach most, the best first; a pair that a person judged is not asked.

    Asked are links in the band review, and automatic ones less sure than halfway (in log-odds) from `auto` to
    certainty: a mistake among them shows that the threshold is too low.
    """
    return _Queue(links, role, hanging, auto).first(most)


class _Queue:
    """Chooses greedily: after each choice the others are worth less by what they share with it."""

    def __init__(self, links: Iterable[Link], role: Callable[[Ref], str], hanging: Mapping[Ref, int],
                 auto: float) -> None:  # fmt: skip
        self._alike: dict[frozenset[str], int] = {}
        self._about: dict[Ref, int] = {}
        self._heap: list[tuple[float, Ref, Ref, Question]] = []
        for link in links:
            if link.judgement is None and _is_open(link, auto):
                cost = _COST[_kind(role(link.left), role(link.right))]
                hangs_on = hanging.get(link.left, 0) + hanging.get(link.right, 0)
                doubt = uncertainty(link.score)
                value = doubt * cost * (1.0 + log2(1 + hangs_on))
                self._heap.append((-value, link.left, link.right, Question(link, value, doubt, cost, hangs_on, 0)))
        heapify(self._heap)

    def first(self, most: int) -> list[Question]:
        """A value only falls as others are chosen, so the top is right once its value is up to date."""
        chosen: list[Question] = []
        while self._heap and len(chosen) < most:
            shown, left, right, question = heappop(self._heap)
            value = self._worth(question)
            if value < -shown - 1e-12:
                heappush(self._heap, (-value, left, right, question))
                continue
            pattern = pattern_of(question.link)
            alike = self._alike.get(pattern, 0)
            chosen.append(Question(question.link, value, question.uncertainty, question.cost, question.hangs_on, alike))
            self._alike[pattern] = alike + 1
            for ref in (left, right):
                self._about[ref] = self._about.get(ref, 0) + 1
        return chosen

    def _worth(self, question: Question) -> float:
        alike = self._alike.get(pattern_of(question.link), 0)
        about = max(self._about.get(question.link.left, 0), self._about.get(question.link.right, 0))
        return float(question.value * _PATTERN**alike * _RECORD**about)


def _is_open(link: Link, auto: float) -> bool:
    if link.band is Band.REVIEW:
        return True
    return link.band is Band.AUTO and link.score < 1.0 - (1.0 - auto) / 2


def _kind(left: str, right: str) -> tuple[str, str]:
    return ("direct", "direct") if left == right == "direct" else ("filed", "filed") if left == right else _ACROSS


_ACROSS = ("filed", "direct")


def uncertainty(score: float) -> float:
    """How little is known: the entropy of the answer in bits, 1 at even odds."""
    return -sum(p * log2(p) for p in (score, 1.0 - score) if 0.0 < p < 1.0)


def pattern_of(link: Link) -> frozenset[str]:
    """What kind of question it is: the claims that count, with their sign, and what holds it."""
    found = {f"{'+' if e.points > 0 else '-'}{e.claim}" for e in link.evidence if abs(e.points) >= _TELLING}
    held = {e.sentence for e in link.evidence if e.claim == "held_for_review"}
    return frozenset(found | held)
