"""Which terms hold for a registration: the first programme that fits it, else the policy as it stands."""

from __future__ import annotations

from datetime import date

from syncd.model import FiledCompany, Partner, Registration
from syncd.policy.schema import Policy, Programme, under


def terms_of(
    policy: Policy, registration: Registration, partner: Partner | None, company: FiledCompany | None
) -> tuple[Policy, str]:
    """The terms for one registration and the name of their programme, empty for the policy itself.

    The day of filing decides, so that a programme that begins or ends changes nothing for what was filed before.
    """
    if not policy.programmes or registration.received_at is None:
        return policy, ""
    day = registration.received_at.date()
    country = registration.country or (company.account.country if company else None)
    for programme in policy.programmes:
        if _in_time(programme, day) and _fits(programme, registration, partner, country):
            return under(policy, programme), programme.name
    return policy, ""


def _in_time(programme: Programme, day: date) -> bool:
    begun = programme.from_on is None or programme.from_on <= day
    return begun and (programme.until_on is None or day <= programme.until_on)


def _fits(programme: Programme, registration: Registration, partner: Partner | None, country: str | None) -> bool:
    named = (
        (programme.partners, (registration.partner_id,)),
        (programme.tiers, (partner.tier if partner else None,)),
        (programme.regions, (partner.region if partner else None,)),
        (programme.products, tuple(registration.products)),
        (programme.countries, (country,)),
        (programme.kinds, (registration.kind,)),
    )
    return all(not wanted or not _fold(wanted).isdisjoint(_fold(given)) for wanted, given in named)


def _fold(values: tuple[str | None, ...]) -> set[str]:
    return {value.strip().casefold() for value in values if value}
