"""Invents groups of sister companies around real names, because lists of labelled pairs seldom have enough of them.

Sisters share a brand, mostly a web site and often a building; companies are renamed, move, or share an office with
strangers. How often is judged, not measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from syncd.matching.retype import retyped
from syncd.matching.tables import GROUP_WORDS, TRADE_WORDS
from syncd.model import Account, Ref

_SISTERS = (1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 4, 5)  # sizes of a group, equally likely
_SAME_SITE, _SAME_PLACE, _STRANGERS = 0.8, 0.65, 0.08
_SAME_PHONE, _OTHER_PHONE, _NO_PHONE = 0.4, 0.4, 0.5
_NO_PLACE = 0.3
_BOTH, _ONE = 0.62, 0.19
_RENAMED, _MOVED, _NO_SITE, _OTHER_SITE, _RETYPED = 0.08, 0.15, 0.3, 0.08, 0.35

Two = tuple[Ref, Ref]
Lists = tuple[list[Account], list[Account], set[Two]]


def lessons(accounts: Sequence[Account], count: int, seed: int = 1) -> Lists:
    """Two lists and the true pairs, from `count` of the accounts; the same in every run."""
    chance = Random(f"lessons|{seed}")  # noqa: S311 - repeatable on purpose
    named = [account for account in sorted(accounts, key=lambda a: a.ref) if account.name and len(account.name) > 3]
    return _Lessons(chance, named).build(chance.sample(named, min(count, len(named))))


class _Lessons:
    """One invention under way."""

    def __init__(self, chance: Random, named: Sequence[Account]) -> None:
        self.chance, self.named = chance, named
        self.streets = sorted(
            {word for a in named for word in (a.name or "").split() if word.isalpha() and len(word) > 4}
        )
        self.words = sorted(TRADE_WORDS | GROUP_WORDS)
        self.filed: list[Account] = []
        self.known: list[Account] = []
        self.truth: set[Two] = set()
        self.last: Account | None = None

    def build(self, companies: Sequence[Account]) -> Lists:
        """Invent a group around each company."""
        for at, company in enumerate(companies):
            base = self._placed(company)
            if self.last is not None and self._happens(_STRANGERS):
                base = replace(base, street=self.last.street, postcode=self.last.postcode, city=self.last.city)
            for number in range(self.chance.choice(_SISTERS)):
                self._describe(f"{at}.{number}", base if number == 0 else self._sister(base))
            self.last = base
        return self.filed, self.known, self.truth

    def _happens(self, share: float) -> bool:
        return self.chance.random() < share

    def _placed(self, company: Account) -> Account:
        street = f"{self.chance.randrange(1, 180)} {self.chance.choice(self.streets)} Street"
        return replace(company, street=street, postcode=company.postcode or self._postcode(),
                       phone=self._phone())  # fmt: skip

    def _phone(self) -> str:
        return str(self.chance.randrange(20_000_000, 99_999_999))

    def _postcode(self) -> str:
        return f"{self.chance.randrange(10, 99)}{self.chance.randrange(1000, 9999)}"

    def _sister(self, base: Account) -> Account:
        words = (base.name or "").split()
        brand = words[: 1 if len(words) < 3 or self._happens(0.4) else 2]
        own = [self.chance.choice(self.words).title() for _ in range(1 if self._happens(0.6) else 2)]
        tail = words[-1:] if len(words) > 2 and self._happens(0.6) else []
        sister = replace(base, name=" ".join([*brand, *own, *tail]))
        if not self._happens(_SAME_PHONE):
            sister = replace(sister, phone=self._phone())
        if not self._happens(_SAME_SITE):
            sister = replace(sister, website=None)
        return sister if self._happens(_SAME_PLACE) else self._placed(replace(sister, postcode=None))

    def _describe(self, id_: str, company: Account) -> None:
        filed = replace(company, ref=Ref("left", "company", id_))
        known = replace(company, ref=Ref("right", "company", id_))
        where = self.chance.random()
        if self._happens(_RETYPED):
            filed = replace(retyped(filed), ref=filed.ref)
        if self._happens(_NO_SITE):
            filed = replace(filed, website=None)
        if self._happens(_NO_PLACE):
            filed = replace(filed, street=None, postcode=None, city=None)
        if where < _BOTH + _ONE:
            self.filed.append(filed)
        if where < _BOTH or where >= _BOTH + _ONE:
            self.known.append(self._later(known))
        if where < _BOTH:
            self.truth.add((filed.ref, known.ref))

    def _later(self, company: Account) -> Account:
        """The same company some years on."""
        other = self.chance.choice(self.named)
        if self._happens(_RENAMED):
            words = (company.name or "").split()
            start = (other.name or "").split()[:1]
            kept = words[1:] if len(words) > 2 and self._happens(0.2) else (other.name or "").split()[1:]
            company = replace(company, name=" ".join([*start, *kept]))
            if self._happens(0.5):
                company = replace(company, website=other.website)
        elif self._happens(_MOVED):
            company = self._placed(replace(company, postcode=None))
        if self._happens(_OTHER_SITE):
            company = replace(company, website=other.website)
        if self._happens(_OTHER_PHONE):
            company = replace(company, phone=self._phone())
        if self._happens(_NO_PHONE):
            company = replace(company, phone=None)
        return replace(company, website=None) if self._happens(_NO_SITE) else company
