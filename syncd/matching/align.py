"""Lines up the words of two names: equal words, joined and shortened ones, typing errors; and what is left over."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import OSA

from syncd.matching.names import Name
from syncd.matching.statistics import Statistics

_WEIGHT_OF = {"plural": 0.97, "joined": 1.0, "cut": 0.9, "short": 0.75, "typo": 0.85, "typos": 0.7}


@dataclass(frozen=True, slots=True)
class Alignment:
    """How far two names agree. `common` is the bits of shared words; left-over words stand by side."""

    left: Name
    right: Name
    common: float
    left_extra: tuple[str, ...] = ()
    right_extra: tuple[str, ...] = ()
    left_bits: float = 0.0
    right_bits: float = 0.0
    shared: tuple[str, ...] = ()
    bends: tuple[tuple[str, str, str], ...] = ()  # kind, left word, right word
    first_agrees: bool = True
    lost: float = 0.0  # bits of words that agree only with an error or a cut, not counted as common

    @property
    def agreement(self) -> float:
        """Share of both names' weight that agrees, 0..1."""
        whole = 2 * self.common + self.left_bits + self.right_bits + 2 * self.lost
        return 2 * self.common / whole if whole else 0.0

    @property
    def is_equal(self) -> bool:
        """The same words, or the same letters."""
        return not (self.left_extra or self.right_extra or self.bends)


def align(left: Name, right: Name, statistics: Statistics) -> Alignment:
    """Line up two names."""
    if left.joined == right.joined:
        bits = min(sum(map(statistics.bits, left.folds)), sum(map(statistics.bits, right.folds)))
        return Alignment(left, right, max(bits, statistics.bits(left.joined) if len(left.folds) > 1 else bits),
                         shared=left.words)  # fmt: skip
    return _Aligner(left, right, statistics).result()


class _Aligner:
    """One alignment under way: takes words from both sides until nothing more agrees."""

    def __init__(self, left: Name, right: Name, statistics: Statistics) -> None:
        self.left, self.right, self.statistics = left, right, statistics
        self.left_open = list(range(len(left.folds)))
        self.right_open = list(range(len(right.folds)))
        self.common = 0.0
        self.shared: list[str] = []
        self.bends: list[tuple[str, str, str]] = []
        self.first = False
        self.lost = 0.0

    def result(self) -> Alignment:
        self._take_equal()
        if self.left_open and self.right_open:
            self._take_joined(self.left, self.right, self.left_open, self.right_open, True)
            self._take_joined(self.right, self.left, self.right_open, self.left_open, False)
            self._take_bent()
        bits = self.statistics.bits
        return Alignment(
            self.left,
            self.right,
            self.common,
            tuple(self.left.words[i] for i in self.left_open),
            tuple(self.right.words[i] for i in self.right_open),
            sum(bits(self.left.folds[i]) for i in self.left_open),
            sum(bits(self.right.folds[i]) for i in self.right_open),
            tuple(self.shared),
            tuple(self.bends),
            self.first,
            self.lost,
        )

    def _take_equal(self) -> None:
        folds = self.right.folds
        for i in tuple(self.left_open):
            word = self.left.folds[i]
            for j in self.right_open:
                if folds[j] == word:
                    self._take(i, j, self.statistics.bits(word))
                    break

    def _take(self, i: int, j: int, bits: float) -> None:
        self.left_open.remove(i)
        self.right_open.remove(j)
        self.common += bits
        self.shared.append(self.left.words[i])
        self.first = self.first or (i == 0 and j == 0)

    def _take_joined(self, many: Name, one: Name, many_open: list[int], one_open: list[int], is_left: bool) -> None:
        """`inter gamma` and `intergamma`."""
        for i in tuple(many_open):
            if i + 1 not in many_open or i not in many_open:
                continue
            pair = many.folds[i] + many.folds[i + 1]
            j = next((j for j in one_open if one.folds[j] == pair), None)
            if j is not None:
                many_open.remove(i)
                many_open.remove(i + 1)
                one_open.remove(j)
                self.common += self.statistics.bits(pair)
                self.shared.append(one.words[j])
                split = f"{many.words[i]} {many.words[i + 1]}"
                self.bends.append(("joined", split, one.words[j]) if is_left else ("joined", one.words[j], split))
                self.first = self.first or (i == 0 and j == 0)

    def _take_bent(self) -> None:
        found = []
        for i in self.left_open:
            for j in self.right_open:
                kind = None if _are_far(self.left.folds[i], self.right.folds[j]) else self._bend(i, j)
                if kind:
                    found.append((-_WEIGHT_OF[kind], abs(i - j), i, j, kind))
        for _, _, i, j, kind in sorted(found):
            if i in self.left_open and j in self.right_open:
                bits = min(self.statistics.bits(self.left.folds[i]), self.statistics.bits(self.right.folds[j]))
                self.bends.append((kind, self.left.words[i], self.right.words[j]))
                self._take(i, j, bits * _WEIGHT_OF[kind])
                self.lost += bits * (1 - _WEIGHT_OF[kind])

    def _bend(self, i: int, j: int) -> str | None:
        left, right = self.left.folds[i], self.right.folds[j]
        short, long = (left, right) if len(left) <= len(right) else (right, left)
        is_last = (i == len(self.left.folds) - 1) if short is left else (j == len(self.right.folds) - 1)
        return bend(short, long, is_last)


def _are_far(left: str, right: str) -> bool:
    """Words of which `bend` makes nothing, told at a glance: most pairs are."""
    if left[0] == right[0]:
        return False
    return abs(len(left) - len(right)) > 2 or (len(left) < 7 and len(right) < 7)


@lru_cache(maxsize=1 << 16)  # the words of trades and places meet each other again and again
def bend(short: str, long: str, is_last: bool) -> str | None:
    """In which way one word may be the other, written differently; None when they are two words."""
    if short.isdigit() or long.isdigit() or short[0] != long[0]:
        return _typo(short, long) if not (short.isdigit() or long.isdigit()) else None
    if long in (short + "s", short + "es") and len(short) > 2:
        return "plural"
    if long.startswith(short):
        if is_last and len(short) >= 3:
            return "cut"
        if len(short) >= 4 or (len(short) == 3 and len(long) > 5):
            return "short"
        return None
    if 2 <= len(short) <= 5 and len(long) >= len(short) + 3 and short[-1] == long[-1] and _is_subsequence(short, long):
        return "short"
    if len(short) >= 3 and len(long) > len(short) + 2 and short == _consonants(long)[: len(short)]:
        return "short"
    return _typo(short, long)


def _typo(short: str, long: str) -> str | None:
    if len(short) < 4 or len(long) - len(short) > 2:
        return None
    allowed = 1 if len(long) < 8 else 2
    distance = OSA.distance(short, long, score_cutoff=allowed)
    if distance > allowed or (short[0] != long[0] and len(long) < 7):
        return "typos" if sound(short) == sound(long) else None
    return "typo" if distance == 1 and len(long) >= 6 else "typos"


_SOUNDS = (
    (re.compile(r"([b-df-hj-np-tv-z])\1+"), r"\1"),
    (re.compile(r"sch|tsch|tch|sh"), "s"),
    (re.compile(r"ph"), "f"),
    (re.compile(r"(?<=[kgtdrz])h|^h(?=[bcdfgj-np-tv-z])|(?<=[aeiou])h(?=[bcdfgj-np-tv-z]|$)"), ""),
    (re.compile(r"ck|ch|qu?|c(?![eiy])"), "k"),
    (re.compile(r"c|ts|tz"), "z"),
    (re.compile(r"x"), "ks"),
    (re.compile(r"w"), "v"),
    (re.compile(r"ou|oo"), "u"),
    (re.compile(r"ee|ij|ii|iy|y|j"), "i"),
    (re.compile(r"([a-z])\1+"), r"\1"),
)


@lru_cache(maxsize=1 << 14)
def sound(word: str) -> str:
    """Roughly how a word is spoken, so that spellings of one foreign word meet: `Filips` and `Phillips`."""
    for spelling, spoken in _SOUNDS:
        word = spelling.sub(spoken, word)
    return word


def _is_subsequence(short: str, long: str) -> bool:
    letters = iter(long)
    return all(letter in letters for letter in short)


def _consonants(word: str) -> str:
    return word[0] + "".join(letter for letter in word[1:] if letter not in "aeiou")
