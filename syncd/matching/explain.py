"""Explains one pair, linked or not: how it was found, what each claim counts, what rivals, holds and people did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from syncd.matching.keys import keys, query_keys
from syncd.matching.link import Linker
from syncd.matching.parse import Parsed
from syncd.matching.points import BEGIN
from syncd.matching.score import score
from syncd.model import SAME_GROUP, Band, Evidence, Judgement, Link, Ref

_KINDS: Mapping[str, str] = {
    "t": "word", "j": "neighbouring words", "w": "whole name", "s": "first two words", "b": "beginning of the name",
    "e": "end of the name", "a": "initials", "d": "web domain", "l": "name of the web domain", "p": "postcode",
    "n": "house number and street", "f": "telephone", "x": "tax or register number",
}  # fmt: skip
_LABELS = frozenset(("held_for_review", SAME_GROUP))  # what deciding adds to the evidence without points
_ASKED = ("t", "d", "p", "n", "f", "x")
"""The kinds of key that a person can do something about, when no key brings two records together."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a pair: those that both have, with the number of records under each; and what is missing otherwise.

    `unused` are shared keys under which there are so many records that they bring nobody together by themselves.
    """

    shared: tuple[tuple[str, int], ...]
    unused: frozenset[str]
    missing: tuple[str, ...]

    @property
    def find(self) -> bool:
        """Whether some key brings the two together."""
        return any(key not in self.unused for key, _ in self.shared)

    def in_words(self) -> str:
        """One line about how the pair is found, or why it is not."""
        if not self.shared:
            return "Not found by any key: " + "; ".join(self.missing)
        shown = "; ".join(_key(key, records, key in self.unused) for key, records in self.shared[:8])
        rest = f"; and {len(self.shared) - 8} more" if len(self.shared) > 8 else ""
        if not self.find:
            return f"Shares only keys that too many records have: {shown}{rest}"
        return f"Found by: {shown}{rest}"


def _key(key: str, records: int, unused: bool) -> str:
    kind, _, value = key.partition(":")
    few = f", {records:,} {'record' if records == 1 else 'records'}" if records else ""
    return f"{_KINDS.get(kind, kind)} “{value}”{few}{', too common to be used alone' if unused else ''}"


def keys_between(one: Parsed, other: Parsed, counts: Callable[[Sequence[str]], Mapping[str, int]],
                 common: int) -> Keys:  # fmt: skip
    """The keys by which either record finds the other. `counts` says how many records have each of some keys."""
    shared = sorted(set(query_keys(one)) & set(keys(other)) | set(query_keys(other)) & set(keys(one)))
    records = counts(shared)
    ranked = sorted(shared, key=lambda key: (records.get(key, 0), key))
    unused = frozenset(key for key in shared if records.get(key, 0) > common)
    return Keys(tuple((key, records.get(key, 0)) for key in ranked), unused, tuple(_missing(one, other)))


def _missing(one: Parsed, other: Parsed) -> Iterable[str]:
    here, there = ({key.partition(":")[0] for key in keys(record)} for record in (one, other))
    for kind in _ASKED:
        word = _KINDS[kind]
        if kind in here and kind in there:
            yield f"no {word} in common" if kind == "t" else f"another {word}"
        elif kind in here or kind in there:
            yield f"only {'the first' if kind in here else 'the second'} has a {word}"
        elif kind != "t":
            yield f"neither has a {word}"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a pair is linked or not. The points of `pair` and `rivals` add up to `points`, whose probability is `score`.

    `held` says what keeps a likely link from acting by itself, or forbids it; `said` what a person judged;
    `outcome` is the last word in one sentence.
    """

    left: Parsed
    right: Parsed
    keys: Keys
    pair: tuple[Evidence, ...]
    rivals: tuple[Evidence, ...]
    held: tuple[str, ...]
    said: str
    judgement: Judgement | None
    points: float
    score: float
    band: Band
    outcome: str

    @property
    def before_rivals(self) -> float:
        """Points of the pair by itself."""
        return round(sum(e.points for e in self.pair), 3)

    def in_words(self) -> list[str]:
        """Line by line, the starting odds first, then what counts most."""
        begin, *claims = self.pair
        ordered = sorted((e for e in claims if e.points), key=lambda e: -abs(e.points))
        silent = [e.sentence for e in claims if not e.points]
        lines = [f"“{self.left.title}” ({self.left.ref}) and “{self.right.title}” ({self.right.ref})"]
        lines += [self.keys.in_words(), *map(_line, (begin, *ordered))]
        if silent:
            lines.append(f"         counts nothing: {'; '.join(silent)}")
        if self.rivals:
            lines += [f"{self.before_rivals:+7.2f}  by itself", *map(_line, self.rivals)]
        lines.append(f"{self.points:+7.2f}  in all: {self.score:.1%}")
        return [*lines, *([self.said] if self.said else []), *self.held, self.outcome]


def _line(evidence: Evidence) -> str:
    return f"{evidence.points:+7.2f}  {evidence.sentence}"


def explain(linker: Linker, one: Parsed, other: Parsed, known: Keys, link: Link | None,
            rivals: Sequence[Evidence] = (), said: str = "", judgement: Judgement | None = None,
            titles: Mapping[Ref, str] | None = None) -> Explanation:  # fmt: skip
    """Explain a pair. `link` is what was decided, None for no link; then `rivals` is what the rivals count, if known.

    `said` is a person's judgement in words, `judgement` the same for deciding; `titles` are the names of rivals.
    """
    if link is not None:
        pair, after = _parted(link.evidence)
    else:
        pair, after = score(one, other, linker.statistics, linker.weights)[1], tuple(rivals)
    counted = tuple(e for e in after if e.claim not in _LABELS)
    held = tuple(f"{e.sentence}." for e in after if e.claim in _LABELS)
    points = round(sum(e.points for e in (*pair, *counted)), 3)
    probability, band = linker.weights.probability(points), link.band if link else Band.NONE
    outcome = _outcome(linker, (one.ref, other.ref), link, known, pair, probability, judgement)
    named = tuple(Evidence(e.claim, e.points, _named(e.sentence, titles or {})) for e in counted)
    stands = link.judgement if link else judgement
    return Explanation(one, other, known, pair, named, held, said, stands, points, probability, band, outcome)


def _parted(evidence: tuple[Evidence, ...]) -> tuple[tuple[Evidence, ...], tuple[Evidence, ...]]:
    """The pair's own evidence, and what came after it was seen among its rivals: those begin with odds of their own."""
    for at, item in enumerate(evidence):
        if (at and item.claim == BEGIN[0]) or item.claim in _LABELS:
            return evidence[:at], evidence[at:]
    return evidence, ()


def _named(sentence: str, titles: Mapping[Ref, str]) -> str:
    for ref, title in titles.items():
        sentence = sentence.replace(str(ref), f"“{title}” ({ref})")
    return sentence


def _outcome(linker: Linker, refs: tuple[Ref, Ref], link: Link | None, known: Keys, pair: Sequence[Evidence],
             probability: float, judgement: Judgement | None) -> str:  # fmt: skip
    auto, review = linker.thresholds.across(*refs)
    if link is not None:
        word = f"Link: {link.band.value}, score {link.score:.4f}"
        if link.judgement is None:
            return f"{word} (auto from {auto:g}, review from {review:g})"
        without = _band_alone(probability, auto, review)
        return f"{word}; a person said {link.judgement.value}, by itself it would be {without}"
    if judgement is Judgement.DIFFERENT:
        return "No link: a person said different, which outlives every score"
    if any(e.claim == "different_tax_id" for e in pair):
        return "No link: different tax or register numbers forbid it, whatever the score"
    if not known.find:
        return "No link: no key that is rare enough brings the two together, so they may never have been compared"
    if probability >= review:
        return "No link: likely by itself, but another account or another filing was preferred"
    return f"No link: too unlikely, it would take a score of {review:g} for a person to look"


def _band_alone(probability: float, auto: float, review: float) -> str:
    return Band.AUTO.value if probability >= auto else Band.REVIEW.value if probability >= review else Band.NONE.value
