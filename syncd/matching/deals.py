"""Deals: which opportunity of the direct CRM a registration means, by claims that each have a sentence and points.

The port: `fit` judges one pair, `own_deals` all pairs of one organization. Both are pure and know nothing of policy;
whoever asks says how sure it is that both mean the same organization. A registration's own deal is no collision (C00).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from syncd.matching.points import Weights
from syncd.model import Band, Evidence, Money, Opportunity, Ref, Registration

POINTS: Mapping[tuple[str, str], float] = {
    ("to_begin_with", "deal"): -5.0,
    ("same_organization", "auto"): 3.0,
    ("same_organization", "review"): 0.0,
    ("different_organization", "none"): -6.0,
    ("carries_the_registration", "key"): 12.0,
    ("carries_another_registration", "key"): -8.0,
    ("names_the_partner", "partner"): 3.5,
    ("names_another_partner", "partner"): -6.0,
    ("came_from_a_partner", "source"): 2.0,
    ("came_from_elsewhere", "source"): -1.0,
    ("products_overlap", "all"): 2.0,
    ("products_overlap", "some"): 1.0,
    ("products_differ", "differ"): -5.0,
    ("created_soon_after", "week"): 2.5,
    ("created_soon_after", "month"): 1.5,
    ("created_soon_after", "window"): 0.5,
    ("created_long_after", "beyond"): -2.5,
    ("created_before", "days"): -1.0,
    ("created_before", "long"): -5.0,
    ("closed_before_it_was_filed", "closed"): -6.0,
    ("amounts_agree", "equal"): 2.5,
    ("amounts_agree", "near"): 1.5,
    ("amounts_differ", "far"): -1.5,
    ("closes_about_then", "weeks"): 1.0,
    ("closes_elsewhen", "far"): -0.5,
    ("different_country", "differ"): -1.5,
}
"""Log-odds to base 2, set by hand: no labelled deals are public. Every claim that says nothing counts nothing."""

_TOO_CLOSE = 1.5  # points by which another registration must be behind
_AUTO, _REVIEW = 0.97, 0.10
_FORBIDS = ("different_organization", "carries_another_registration", "names_another_partner", "products_differ",
            "closed_before_it_was_filed")  # fmt: skip
"""One of these, and it is no own deal of this registration, unless it carries its key."""
_BROUGHT = ("carries_the_registration", "names_the_partner", "came_from_a_partner")

Claim = Callable[["Pair"], tuple[str, str, str] | None]


@dataclass(frozen=True, slots=True)
class Filing:
    """A registration, and the names under which its partner is known in the direct CRM."""

    registration: Registration
    partner_names: frozenset[str] = frozenset()

    @property
    def keys(self) -> frozenset[str]:
        """What an opportunity may carry as its registration key: the id or the number."""
        found = (self.registration.ref.id, self.registration.number)
        return frozenset(key.strip().casefold() for key in found if key and key.strip())


@dataclass(frozen=True, slots=True)
class Customs:
    """How this vendor's CRM says that a deal came from a partner, and how long after a filing it may be created."""

    partner_sources: frozenset[str] = frozenset()
    within: timedelta = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Deal:
    """A registration and the opportunity it may mean. The evidence adds up to `points`; `score` is its probability."""

    registration: Ref
    opportunity: Ref
    points: float
    score: float
    band: Band
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """What the claims look at. `organization` says how surely both mean the same organization."""

    filing: Filing
    opportunity: Opportunity
    organization: Band
    customs: Customs = field(default_factory=Customs)

    @property
    def lag(self) -> timedelta | None:
        """How long after the filing the opportunity was created; negative before it, None where a time is missing."""
        filed, created = self.filing.registration.received_at, self.opportunity.created_at
        return created - filed if filed is not None and created is not None else None


def fit(filing: Filing, opportunity: Opportunity, organization: Band, customs: Customs | None = None) -> Deal:
    """How well one opportunity fits one registration, other registrations aside."""
    pair = Pair(filing, opportunity, organization, customs or Customs())
    begin = Evidence("to_begin_with", POINTS["to_begin_with", "deal"], "Most deals of an organization are others")
    evidence = (begin, *(Evidence(claim, POINTS[claim, level], said) for claim, level, said in _holding(pair)))
    points = round(sum(e.points for e in evidence), 3)
    deal = Deal(filing.registration.ref, opportunity.ref, points, Weights.probability(points), Band.NONE, evidence)
    return _banded(deal)


def own_deals(filings: Sequence[Filing], opportunities: Iterable[Opportunity], organization: Callable[[Ref, Ref], Band],
              customs: Customs | None = None) -> list[Deal]:  # fmt: skip
    """For each opportunity the one registration whose own deal it is or may be, by the opportunity's ref.

    An opportunity belongs to at most one registration, a registration may have several. Where two fit about as well,
    the better one waits for a person. `organization(registration, opportunity)` tells how sure their companies are
    the same; a pair in the band none is not looked at unless the opportunity carries the registration's key.
    """
    found = []
    for opportunity in sorted(opportunities, key=lambda o: o.ref):
        fitting = [fit(f, opportunity, organization(f.registration.ref, opportunity.ref), customs) for f in filings]
        likely = sorted((d for d in fitting if d.band is not Band.NONE), key=lambda d: (-d.points, d.registration))
        if likely:
            found.append(_among(likely))
    return found


def _among(ranked: Sequence[Deal]) -> Deal:
    best, *others = ranked
    if not others or best.points - others[0].points >= _TOO_CLOSE or best.band is not Band.AUTO:
        return best
    return _held(best, f"Another registration fits as well: {others[0].registration}")


def _banded(deal: Deal) -> Deal:
    claims = {e.claim for e in deal.evidence}
    if deal.score < _REVIEW or ("carries_the_registration" not in claims and not claims.isdisjoint(_FORBIDS)):
        return deal
    if deal.score < _AUTO:
        return replace(deal, band=Band.REVIEW)
    if "different_organization" in claims:
        return _held(deal, "It carries the registration, but belongs to another organization")
    if claims.isdisjoint(_BROUGHT):
        return _held(deal, "Nothing says that a partner brought it")
    return replace(deal, band=Band.AUTO)


def _held(deal: Deal, why: str) -> Deal:
    return replace(deal, band=Band.REVIEW, evidence=(*deal.evidence, Evidence("held_for_review", 0.0, f"Held: {why}")))


# --- claims ----------------------------------------------------------------------------------------------------------


def _holding(pair: Pair) -> Iterator[tuple[str, str, str]]:
    for claim in _CLAIMS:
        found = claim(pair)
        if found is not None:
            yield found


def _organization(pair: Pair) -> tuple[str, str, str] | None:
    if pair.organization is Band.NONE:
        return "different_organization", "none", "Its account is not the organization that was filed"
    sure = pair.organization is Band.AUTO
    said = "Its account is the organization that was filed" if sure else "Its account may be the organization filed"
    return "same_organization", pair.organization.value, said


def _key(pair: Pair) -> tuple[str, str, str] | None:
    key = (pair.opportunity.registration_key or "").strip()
    if not key:
        return None
    if key.casefold() in pair.filing.keys:
        return "carries_the_registration", "key", f"It carries this registration: {key}"
    return "carries_another_registration", "key", f"It carries another registration: {key}"


def _partner(pair: Pair) -> tuple[str, str, str] | None:
    named = _fold(pair.opportunity.partner_name)
    if not named or not pair.filing.partner_names:
        return None
    if named in {_fold(name) for name in pair.filing.partner_names}:
        return "names_the_partner", "partner", f"It names the partner: {pair.opportunity.partner_name}"
    return "names_another_partner", "partner", f"It names another partner: {pair.opportunity.partner_name}"


def _source(pair: Pair) -> tuple[str, str, str] | None:
    source = _fold(pair.opportunity.lead_source)
    if not source or not pair.customs.partner_sources:
        return None
    if source in {_fold(known) for known in pair.customs.partner_sources}:
        return "came_from_a_partner", "source", f"Its source is a partner: {pair.opportunity.lead_source}"
    return "came_from_elsewhere", "source", f"Its source is no partner: {pair.opportunity.lead_source}"


def _products(pair: Pair) -> tuple[str, str, str] | None:
    filed, sold = pair.filing.registration.products, pair.opportunity.products
    if not filed or not sold:
        return None
    both = filed & sold
    if not both:
        return "products_differ", "differ", f"Other products: {_list(filed)} and {_list(sold)}"
    whole = filed <= sold or sold <= filed
    return "products_overlap", "all" if whole else "some", f"{'The same' if whole else 'Some'} products: {_list(both)}"


def _created(pair: Pair) -> tuple[str, str, str] | None:
    if pair.lag is None:
        return None
    if pair.lag < timedelta(0):
        level = "days" if pair.lag >= timedelta(days=-7) else "long"
        return "created_before", level, f"It was created {_days(-pair.lag)} before the filing"
    if pair.lag > pair.customs.within:
        return "created_long_after", "beyond", f"It was created {_days(pair.lag)} after the filing"
    level = "week" if pair.lag <= timedelta(days=7) else "month" if pair.lag <= timedelta(days=31) else "window"
    return "created_soon_after", level, f"It was created {_days(pair.lag)} after the filing"


def _closed(pair: Pair) -> tuple[str, str, str] | None:
    filed = pair.filing.registration.received_at
    closed = _day(pair.opportunity.closed_at) or pair.opportunity.close_on
    if not pair.opportunity.is_closed or closed is None or filed is None or closed >= filed.date():
        return None
    return "closed_before_it_was_filed", "closed", f"It was closed on {closed}, before the filing"


def _amount(pair: Pair) -> tuple[str, str, str] | None:
    filed, sold = pair.filing.registration.value, pair.opportunity.value
    if filed is None or sold is None or filed.currency != sold.currency or min(filed.amount, sold.amount) <= 0:
        return None
    ratio = max(filed.amount, sold.amount) / min(filed.amount, sold.amount)
    said = f"{_money(filed)} and {_money(sold)}"
    if ratio <= Decimal("1.1"):
        return "amounts_agree", "equal" if ratio == 1 else "near", f"The amounts agree: {said}"
    return ("amounts_differ", "far", f"The amounts differ: {said}") if ratio > 4 else None


def _closing(pair: Pair) -> tuple[str, str, str] | None:
    filed, sold = pair.filing.registration.close_on, pair.opportunity.close_on
    if filed is None or sold is None:
        return None
    apart = abs((filed - sold).days)
    if apart <= 30:
        return "closes_about_then", "weeks", f"Both are to close about then: {filed} and {sold}"
    return ("closes_elsewhen", "far", f"They are to close {apart} days apart") if apart > 180 else None


def _country(pair: Pair) -> tuple[str, str, str] | None:
    filed, sold = pair.filing.registration.country, pair.opportunity.country
    if not filed or not sold or filed == sold:
        return None
    return "different_country", "differ", f"The countries are different: {filed} and {sold}"


_CLAIMS: tuple[Claim, ...] = (
    _organization, _key, _partner, _source, _products, _created, _closed, _amount, _closing, _country,
)  # fmt: skip


def _fold(text: str | None) -> str:
    return " ".join(text.split()).casefold() if text else ""


def _day(at: datetime | None) -> date | None:
    return at.date() if at is not None else None


def _days(lag: timedelta) -> str:
    return "less than a day" if lag < timedelta(days=1) else "1 day" if lag.days == 1 else f"{lag.days} days"


def _list(codes: Collection[str]) -> str:
    return ", ".join(sorted(codes))


def _money(money: Money) -> str:
    return f"{money.amount:,.2f} {money.currency or ''}".rstrip()
