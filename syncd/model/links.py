"""Links: two account records mean the same organization, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from syncd.model.refs import Ref


class Band(StrEnum):
    """What is done with a link: `auto` acts by itself, `review` waits for a person, `none` is no link."""

    AUTO = "auto"
    REVIEW = "review"
    NONE = "none"


class Judgement(StrEnum):
    """What a person said about a pair of records; it outlives every score."""

    SAME = "same"
    DIFFERENT = "different"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One claim about a pair, in points of log-odds (base 2) and in words."""

    claim: str
    points: float
    sentence: str


SAME_GROUP = "same_group"
"""The claim of a link for review: another company of the same group, rather than the same company."""


@dataclass(frozen=True, slots=True)
class Link:
    """A scored pair. `left` is the filed company, `right` the account it may mean.

    `points` is the sum of the evidence; `score` is the calibrated probability in 0..1; `judgement` is set
    when a person has spoken, and then decides the band.
    """

    left: Ref
    right: Ref
    score: float
    points: float
    band: Band
    evidence: tuple[Evidence, ...] = ()
    judgement: Judgement | None = None

    @property
    def is_same_group(self) -> bool:
        """Parent, subsidiary or sister rather than the same company: it informs, and never blocks anybody."""
        return any(e.claim == SAME_GROUP for e in self.evidence)

    @property
    def reason(self) -> str:
        """The evidence in one line, strongest first; where every pair starts from is not worth a word."""
        found = (e for e in self.evidence if e.claim != "to_begin_with")
        ordered = sorted(found, key=lambda e: -abs(e.points))
        return "; ".join(e.sentence for e in ordered)
