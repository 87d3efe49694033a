"""What every part of the universe shares: the clock, the dice, the cast of companies and people, what is expected."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from syncd.demo import companies
from syncd.demo.companies import Company
from syncd.demo.universe import people, spelling
from syncd.demo.universe.catalog import INDUSTRY_WORDS, OTHER_INDUSTRIES, PRODUCTS
from syncd.demo.universe.people import Partner
from syncd.demo.universe.write import Ids

T = TypeVar("T")

GO_LIVE_DAYS = 30
PROTECTION = timedelta(days=90)
FIRST_CONTACT_DAYS = 90
RENAMED_EVERY = 11
"""Every eleventh company of a scenario (the fourth, the fifteenth, ...) changed its name between the two lists."""


@dataclass(frozen=True, slots=True)
class Customer:
    """One real company: as a partner types it, as the vendor knows it, and what we made up about it."""

    key: str
    typed: Company
    known: Company | None
    renamed: bool
    industry: str
    employees: int
    phone: int


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line of `truth/scenarios.csv`."""

    registration: str
    scenario: str
    code: str
    other: str
    note: str


class World:
    """The shared state; whoever asks it for a company gets one that no other scenario has."""

    def __init__(self, now: datetime, seed: int) -> None:
        if now.tzinfo is None:
            raise ValueError("now must know its time zone, for example datetime.now(UTC)")
        self.now = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        self.go_live = self.now.replace(hour=0) - timedelta(days=GO_LIVE_DAYS)
        self.seed = seed
        self.rng = random.Random(f"universe:{seed}")  # noqa: S311  (a reproducible story, not a secret)
        self.ids = Ids(self.rng)
        self.names = people.Names(self.rng)
        self.staff = people.staff(self.rng, self.ids, self.names)
        self.partners = people.partners(self.rng, self.names, self.staff)
        self.suspended = next(partner for partner in self.partners if partner.id == people.SUSPENDED)
        self.expected: list[Expectation] = []
        self.own_deals: list[tuple[str, str]] = []
        self.taken: set[str] = set()
        self.known = [self._customer(number, *entry) for number, entry in enumerate(_known())]
        unknown = [self._customer(len(self.known) + number, *entry) for number, entry in enumerate(_unknown())]
        located = [c for c in self.known if c.typed is not c.known and spelling.address(c.typed.address, "").city]
        self._same = self.shuffled([c for c in located if not c.renamed])
        self._renamed = self.shuffled([c for c in located if c.renamed])
        self._unknown = self.shuffled([c for c in unknown if spelling.address(c.typed.address, "").city])

    # -- the cast ------------------------------------------------------------------------------------------------

    def cast(self, count: int) -> list[Customer]:
        """Companies that both sides know, `RENAMED_EVERY` of them under a new name."""
        return [self._take(self._renamed if n % RENAMED_EVERY == 3 else self._same) for n in range(count)]

    def cast_unknown(self, count: int) -> list[Customer]:
        """Companies that the vendor has never heard of."""
        return [self._take(self._unknown) for _ in range(count)]

    def _take(self, pool: list[Customer]) -> Customer:
        customer = pool.pop()
        self.taken.add(customer.key)
        return customer

    def partner(self, *others: Partner) -> Partner:
        """An active partner who is none of the others."""
        return self.rng.choice([p for p in self.partners if p is not self.suspended and p not in others])

    def _customer(self, number: int, typed: Company, known: Company | None, renamed: bool) -> Customer:
        company = known or typed
        return Customer(
            key=company.id,
            typed=typed,
            known=known,
            renamed=renamed,
            industry=self._industry(company.name),
            employees=250 + int(self.rng.lognormvariate(5.5, 1.2)),  # who reports to the service has 250 or more
            phone=number,
        )

    def _industry(self, name: str) -> str:
        for industry, words in INDUSTRY_WORDS:
            if any(f" {word}" in f" {name.upper()} " for word in words):
                return industry
        return self.rng.choice(OTHER_INDUSTRIES)

    # -- the clock -----------------------------------------------------------------------------------------------

    def ago(self, nearest: float, farthest: float) -> datetime:
        """Some moment between so many days ago."""
        return self.between(self.now - timedelta(days=farthest), self.now - timedelta(days=nearest))

    def between(self, start: datetime, end: datetime) -> datetime:
        """Some moment in between, in milliseconds, and never after now; `start` if nothing lies between."""
        span = max((min(end, self.now) - start) // timedelta(milliseconds=1), 0)
        return start + timedelta(milliseconds=self.rng.randint(0, span))

    def lately(self, nearest: float = 0.2) -> datetime:
        """A moment since go-live."""
        return self.ago(nearest, GO_LIVE_DAYS - 0.6)

    def days(self, least: float, most: float) -> timedelta:
        return timedelta(milliseconds=int(self.rng.uniform(least, most) * 86_400_000))

    # -- the dice ------------------------------------------------------------------------------------------------

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def shuffled(self, items: Sequence[T]) -> list[T]:
        return self.rng.sample(items, len(items))

    def products(self, most: int = 3) -> tuple[str, ...]:
        return in_order(self.rng.sample(list(PRODUCTS), self.rng.randint(1, most)))

    def shared(self, products: tuple[str, ...]) -> tuple[str, ...]:
        """Another choice of products that has at least one in common with these."""
        return in_order({self.rng.choice(products), *self.rng.sample(list(PRODUCTS), self.rng.randint(0, 2))})

    def disjoint(self, products: tuple[str, ...]) -> tuple[str, ...]:
        """A choice of products that has none in common with these."""
        others = [code for code in PRODUCTS if code not in products]
        return in_order(self.rng.sample(others, self.rng.randint(1, 2)))

    def amount(self) -> str:
        return str(int(self.rng.lognormvariate(10.9, 0.7) // 500 * 500) + 2500)

    # -- the truth -----------------------------------------------------------------------------------------------

    def expect(self, registration: str, scenario: str, code: str = "", other: str = "", note: str = "") -> None:
        self.expected.append(Expectation(registration, scenario, code, other, note))


def in_order(products: Sequence[str] | set[str]) -> tuple[str, ...]:
    return tuple(code for code in PRODUCTS if code in products)


def _known() -> list[tuple[Company, Company, bool]]:
    """What the vendor knows, with the partners' version; without a counterpart it stands for itself."""
    left = {company.id: company for company in companies.left()}
    pairs = {pair.right: pair for pair in companies.truth()}
    return [
        (left[pairs[company.id].left], company, pairs[company.id].name_changed)
        if company.id in pairs
        else (company, company, False)
        for company in companies.right()
    ]


def _unknown() -> list[tuple[Company, None, bool]]:
    """What only the partners know.

    Nine companies are left out: they have a namesake at the vendor that the truth calls another legal entity,
    which is too fine a point for a demo.
    """
    paired = {pair.left for pair in companies.truth()}
    namesakes = {_plain(company.name) for company in companies.right()}
    return [
        (company, None, False)
        for company in companies.left()
        if company.id not in paired and _plain(company.name) not in namesakes
    ]


def _plain(name: str) -> str:
    return "".join(char for char in spelling.LEGAL_FORM.sub("", name).casefold() if char.isalnum())
