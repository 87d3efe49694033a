"""Two parsed records side by side: what the claims look at, computed when first asked for."""

from __future__ import annotations

from functools import lru_cache

from syncd.matching.align import Alignment, align
from syncd.matching.names import Name, fold
from syncd.matching.parse import Parsed
from syncd.matching.statistics import Statistics
from syncd.matching.tables import COUNTRY_NAMES, COUNTRY_WORDS, GROUP_WORDS, PLACE_WORDS, TRADE_WORDS

_NO_NAME = Name.of(())
_NO_NAMES = Alignment(_NO_NAME, _NO_NAME, 0.0)


class Pair:
    """Two records, the one with the smaller ref on the left, so that a pair reads the same from both sides."""

    __slots__ = (
        "_kinds_of",
        "_name",
        "_spelling",
        "have_names",
        "left",
        "right",
        "same_domain",
        "same_postcode",
        "shared_numbers",
        "shared_street",
        "statistics",
    )

    def __init__(self, one: Parsed, other: Parsed, statistics: Statistics) -> None:
        left, right = (one, other) if one.ref <= other.ref else (other, one)
        self.left, self.right, self.statistics = left, right, statistics
        self.have_names = bool(left.names and right.names)
        self.same_domain = bool(left.domain) and left.domain == right.domain
        self.same_postcode = bool(left.postcode) and left.postcode == right.postcode
        self.shared_street = left.street & right.street
        self.shared_numbers = left.numbers & right.numbers
        self._name: Alignment | None = None
        self._spelling: list[tuple[str, bool]] | None = None
        self._kinds_of: tuple[frozenset[str], frozenset[str]] | None = None

    @property
    def name(self) -> Alignment:
        """The best agreement between any two of their names."""
        if self._name is None:
            self._name = self._best_alignment()
        return self._name

    def _best_alignment(self) -> Alignment:
        left, right = self.left.names, self.right.names
        if not self.have_names:
            return _NO_NAMES
        if len(left) == 1 and len(right) == 1:
            return align(left[0], right[0], self.statistics)
        found = [align(one, other, self.statistics) for one in left for other in right]
        return max(found, key=lambda a: (a.agreement, a.common))

    @property
    def is_other_name(self) -> bool:
        """The agreement was found with a former, trading or short name, not between the main names."""
        used = (self.name.left, self.name.right)
        return self.have_names and used != (self.left.names[0], self.right.names[0])

    @property
    def domain_users(self) -> int:
        """How many names use the web domain they share."""
        return self.statistics.domains.get(self.left.domain, 1)

    @property
    def postcode_users(self) -> int:
        """How many names have the postcode they share."""
        return self.statistics.postcodes.get(self.left.postcode, 1)

    @property
    def same_place(self) -> bool:
        """Same postcode, or the same house number and street."""
        return self.same_postcode or bool(self.shared_numbers and self.shared_street)

    @property
    def same_address(self) -> bool:
        """The street addresses agree in every number and telling word."""
        left, right = self.left, self.right
        return bool(left.street) and left.street == right.street and left.numbers == right.numbers

    @property
    def where(self) -> str | None:
        """What of web site and place they share, the most telling first; None when nothing."""
        if self.same_domain:
            return "domain_and_address" if self.same_address else "domain_and_place" if self.same_place else "domain"
        if self.same_address:
            return "address"
        if self.shared_numbers and self.shared_street:
            return "number" if self.same_postcode else "number_only"
        return "postcode" if self.same_postcode else None

    @property
    def kinds(self) -> tuple[frozenset[str], frozenset[str]]:
        """What kinds of words only the left name and only the right name has."""
        if self._kinds_of is None:
            self._kinds_of = (self._kinds(self.name.left_extra), self._kinds(self.name.right_extra))
        return self._kinds_of

    def _kinds(self, words: tuple[str, ...]) -> frozenset[str]:
        return frozenset(self._kind(word) for word in words)

    def _kind(self, word: str) -> str:
        if word.isdigit():
            return "number"
        if word in COUNTRY_WORDS:
            own = {COUNTRY_NAMES.get(code) for code in (self.left.country, self.right.country) if code}
            return "own_country" if word in own else "place"
        if word in GROUP_WORDS:
            return "group"
        if word in TRADE_WORDS:
            return "trade"
        if word in self._cities:
            return "own_city" if self._one_city else "place"
        if word in PLACE_WORDS:
            return "place"
        if len(word) <= 2:
            return "letter"
        return "rare" if self.statistics.bits(fold(word)) > self.statistics.size_bits - 4.5 else "common"

    @property
    def _cities(self) -> frozenset[str]:
        return frozenset(f"{self.left.city} {self.right.city}".split())

    @property
    def _one_city(self) -> bool:
        """Nothing says that they are in different cities."""
        left, right = self.left.city, self.right.city
        return not (left and right) or left == right or not set(left.split()).isdisjoint(right.split())

    @property
    def spelling(self) -> tuple[str, bool] | None:
        """Which domain label spells the other record's name (the label, and whether wholly); None when none does."""
        if self._spelling is None:
            found = [*self._spelt(self.left, self.right), *self._spelt(self.right, self.left)]
            self._spelling = sorted(found, key=lambda f: (f[1], len(f[0]), f[0]))
        return self._spelling[-1] if self._spelling else None

    def _spelt(self, site: Parsed, named: Parsed) -> list[tuple[str, bool]]:
        if len(site.label) < 3 or self.same_domain:
            return []
        label = _folded(site.label)
        return [(site.label, whole) for name in named.names if (whole := spells(label, name)) is not None]


@lru_cache(maxsize=1 << 12)
def _folded(label: str) -> str:
    return fold(label.replace("-", ""))


def spells(label: str, name: Name) -> bool | None:
    """True when a domain label is the whole name, False when a telling part or its initials, None when neither."""
    if label == name.joined:
        return True
    if label[:1] != name.joined[0]:
        return None
    folds = name.folds
    for count in range(len(folds), 0, -1):
        start = "".join(folds[:count])
        if label == start and len(start) >= 4:
            return False
        if count >= 2 and len(start) >= 8 and label.startswith(start):
            return False
    if len(folds) >= 3 and len(label) >= 3 and label == "".join(word[0] for word in folds):
        return False
    return None
