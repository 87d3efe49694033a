"""Parts of the policy file about what claims cover and who holds them; off or empty unless written down."""

from __future__ import annotations

from enum import StrEnum

from pydantic import field_validator, model_validator

from syncd.policy.terms import Part


class Family(StrEnum):
    """What the companies of one group of companies have to do with each other."""

    APART = "apart"
    WARN = "warn"
    TOGETHER = "together"


class Branches(StrEnum):
    """Whether the branches of one partner hold claims of their own."""

    APART = "apart"
    TOGETHER = "together"


class MovedDeals(StrEnum):
    """What happens when the deal of a protection lies on another company's account."""

    IGNORE = "ignore"
    ASK = "ask"


class Unsure(StrEnum):
    """What an opportunity is that says nothing of a partner and fits a registration all the same."""

    DIRECT = "direct"
    REVIEW = "review"


class RoleTerms(Part):
    """What partners do in a deal beside reselling, as registrations name it."""

    on_behalf: tuple[str, ...] = ()
    """Roles, such as distributor, whose filings count as the claim of the partner that they name, where it is known."""

    referral: tuple[str, ...] = ()
    """Roles that source a deal: their claim is the referral, it protects nothing and stands beside a reseller's."""

    @model_validator(mode="after")
    def _one_of_both(self) -> RoleTerms:
        both = sorted(folded(self.on_behalf) & folded(self.referral))
        if both:
            raise ValueError(f"{', '.join(both)} cannot both file for somebody else and hold a referral; keep one")
        return self

    @property
    def on(self) -> bool:
        """Is any role told apart?"""
        return bool(self.on_behalf or self.referral)


class DirectMeans(Part):
    """Which opportunities are your own team's, beside those that nothing says a partner brought."""

    kinds: tuple[str, ...] = ()
    """Record types or pipelines in which your own team sells; others are nobody's claim. Empty: any."""

    unsure: Unsure = Unsure.DIRECT
    """An opportunity without a mark that fits a registration: `direct`, or a person looks at it (`review`)."""

    @field_validator("kinds")
    @classmethod
    def _no_blank(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        if any(not kind.strip() for kind in kinds):
            raise ValueError("a blank kind names no record type and no pipeline; remove it")
        return kinds


def folded(names: tuple[str, ...]) -> frozenset[str]:
    """Names as they are compared: case and outer spaces aside."""
    return frozenset(name.strip().casefold() for name in names)
