"""The policy in plain sentences, in the order in which a registration meets it."""

from __future__ import annotations

from syncd.policy.durations import format_duration
from syncd.policy.requirable import REQUIRABLE
from syncd.policy.schema import Approval, NamedAccounts, Policy, Starts
from syncd.policy.switches import switched_on


def sentences(policy: Policy) -> list[str]:
    """The policy in plain sentences, in the order in which a registration meets it."""
    return [
        _say_required(policy),
        _say_first_contact(policy),
        _say_named(policy),
        _say_customers(policy),
        _say_renewals(policy),
        f"A direct opportunity that was open before the filing, with activity in the "
        f"{_days(policy.direct.dormant_after_days)} before it, stands; the registration is not approved.",
        _say_lost(policy),
        *_say_records(policy),
        "Among partners the first valid registration for the same company and product wins; later ones wait in line.",
        f"Two filings less than {format_duration(policy.tie_window)} apart are a tie, and a person decides.",
        "What every rule lets through is approved by itself."
        if policy.approval is Approval.AUTOMATIC
        else "What every rule lets through waits for a person to approve it.",
        f"An approval protects the products filed for {_days(policy.protection.days)}, counted from the "
        + ("approval." if policy.protection.starts is Starts.APPROVED else "filing."),
        _say_own_deals(policy),
        "A direct opportunity opened after the filing does not end a protection; its owner is told."
        + (
            f" For {_days(policy.ended_notice_days)} after its end, records say that it has ended."
            if policy.ended_notice_days
            else ""
        ),
        *switched_on(policy),
    ]


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _say_required(policy: Policy) -> str:
    if not policy.required:
        return "A registration may leave any field empty."
    names = [REQUIRABLE[name] for name in policy.required]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"A registration must carry {listed}; otherwise it is returned to the partner."


def _say_first_contact(policy: Policy) -> str:
    days = policy.first_contact.max_age_days
    known = "" if "first_contact_on" in policy.required else ", if it is given,"
    if not days:
        return f"The first contact{known} may be of any age, but not in the future."
    return f"The first contact{known} may be at most {_days(days)} old on the day of filing, and not in the future."


def _say_named(policy: Policy) -> str:
    return {
        NamedAccounts.REJECT: "Registrations on named accounts are not approved.",
        NamedAccounts.REVIEW: "Registrations on named accounts are looked at by a person.",
        NamedAccounts.ALLOW: "Named accounts are open to registration like all others.",
    }[policy.named_accounts]


def _say_customers(policy: Policy) -> str:
    days = policy.customers.new_logo_days
    if not days:
        return "Existing customers may be registered like all others."
    return f"A company that bought within {_days(days)} is a customer and cannot be registered as new."


def _say_renewals(policy: Policy) -> str:
    days = policy.customers.renewal_days
    if not days:
        return "Renewals are treated like all other deals."
    return (
        f"While a contract runs, and for {_days(days)} after its end, the partner who sold last keeps the renewal: "
        "a person looks at its filing, and no other is approved."
    )


def _say_lost(policy: Policy) -> str:
    days = policy.direct.lost_cooldown_days
    if not days:
        return "A direct opportunity that was lost does not matter."
    return f"For {_days(days)} after a direct opportunity was lost, a person looks at the registration."


def _say_records(policy: Policy) -> list[str]:
    most = policy.max_records_per_registration
    return [f"A filing that would mark more than {most} records is looked at by a person."] if most else []


def _say_own_deals(policy: Policy) -> str:
    sources = ", ".join(policy.own_deals.lead_sources)
    by_source = f" or a lead source of {sources}" if sources else ""
    return (
        "An opportunity that carries the registration's number is the partner's own deal; so is one with the "
        f"partner's name{by_source}, created within {_days(policy.own_deals.within_days)} after the filing. "
        "Own deals never collide."
    )
