"""What a policy says that never decides anything, or that works against something else that it says."""

from __future__ import annotations

from datetime import date

from syncd.policy.claim_switches import family_most_without_family, passed_days_without_leads
from syncd.policy.schema import Policy, Programme
from syncd.policy.terms import Need


def warnings(policy: Policy) -> list[str]:
    """Rules that never decide anything, or that work against each other."""
    return [text for check in _CHECKS if (text := check(policy))]


def _first_contact_twice(policy: Policy) -> str:
    needed = policy.proof.first_contact.need in (Need.REQUIRED, Need.ONE_OF)
    if needed and not policy.first_contact.max_age_days:
        return "proof.first_contact asks for a first contact inside the window, but first_contact.max_age_days is 0."
    return ""


def _stale_never(policy: Policy) -> str:
    limit = policy.first_contact.max_age_days
    if policy.speculation.signs and limit and policy.speculation.stale_after_days >= limit:
        return (
            f"speculation.stale_after_days ({policy.speculation.stale_after_days}) never fires: a first contact older "
            f"than {limit} days is refused already (first_contact.max_age_days)."
        )
    return ""


def _cooldown_inside_grace(policy: Policy) -> str:
    if 0 < policy.cooldown_days <= policy.extension.grace_days:
        return (
            f"A partner has to wait {policy.cooldown_days} days to file again (cooldown_days), while a person can "
            f"bring the old protection back for {policy.extension.grace_days} days (extension.grace_days)."
        )
    return ""


def _value_not_required(policy: Policy) -> str:
    if policy.minimum and "value" not in policy.required:
        return "minimum asks for a value, but `required` does not list it; filings without one are returned."
    return ""


def _close_not_required(policy: Policy) -> str:
    if policy.least_days_before_close and "close_on" not in policy.required:
        return "least_days_before_close looks at close_on, which `required` does not list: a filing without it passes."
    return ""


def _kind_not_required(policy: Policy) -> str:
    kinds = (policy.proof.introduction, policy.proof.discovery)
    if any(s.need is not Need.OFF for s in kinds) and "proof_kind" not in policy.required:
        return "proof goes by the kind of proof, which `required` does not list; a filing without it proves nothing."
    return ""


def _no_room_for_manual(policy: Policy) -> str:
    if policy.approval == "manual" and policy.protection.starts == "received" and policy.protection.days < 7:
        return (
            f"Protections of {policy.protection.days} days count from the filing and people approve: "
            "many would be over before anybody has looked."
        )
    return ""


def _dormant_before_contact(policy: Policy) -> str:
    if policy.customers.new_logo_days and policy.customers.new_logo_days < policy.direct.lost_cooldown_days:
        return (
            f"A lost deal stops a registration for longer ({policy.direct.lost_cooldown_days} days) than a bought one "
            f"({policy.customers.new_logo_days} days, customers.new_logo_days)."
        )
    return ""


def _deputy_circle(policy: Policy) -> str:
    deputies = {p.email.strip().lower(): p.deputy.strip().lower() for p in policy.review.people if p.deputy}
    for start in sorted(deputies):
        email, seen = start, set[str]()
        while email in deputies and email not in seen:
            seen.add(email)
            email = deputies[email]
        if email == start and not policy.review.team_queue:
            return f"The deputies of {start} stand in for each other, and no team_queue is there for when all are away."
    return ""


def _programme_never(policy: Policy) -> str:
    for i, later in enumerate(policy.programmes):
        for earlier in policy.programmes[:i]:
            if _covers(earlier, later):
                return f"The programme {later.name} never holds: whatever it fits, {earlier.name} fits before."
    return ""


def _covers(one: Programme, two: Programme) -> bool:
    """Does one fit whatever the other fits?"""
    sides = ("partners", "tiers", "regions", "products", "countries", "kinds")
    wider = all(
        not getattr(one, s) or (bool(getattr(two, s)) and set(getattr(two, s)) <= set(getattr(one, s))) for s in sides
    )
    begins = one.from_on is None or (two.from_on is not None and one.from_on <= two.from_on)
    ends = one.until_on is None or (two.until_on is not None and two.until_on <= one.until_on)
    return wider and begins and ends


def _programmes_overlap(policy: Policy) -> str:
    for i, later in enumerate(policy.programmes):
        for earlier in policy.programmes[:i]:
            both = sorted(k for k in later.terms.keys() & earlier.terms.keys() if later.terms[k] != earlier.terms[k])
            if both and _may_both_fit(earlier, later) and not _covers(earlier, later):
                return (
                    f"The programmes {earlier.name} and {later.name} say different things ({', '.join(both)}) about "
                    f"filings that fit both: those have the terms of {earlier.name}, which comes first."
                )
    return ""


def _may_both_fit(one: Programme, two: Programme) -> bool:
    """Can one filing fit both? It has one partner, tier, region and country, and may name several products."""
    for side in ("partners", "tiers", "regions", "countries"):
        ours, theirs = (_folded(getattr(programme, side)) for programme in (one, two))
        if ours and theirs and ours.isdisjoint(theirs):
            return False
    begins = max(one.from_on or date.min, two.from_on or date.min)
    return begins <= min(one.until_on or date.max, two.until_on or date.max)


def _folded(values: tuple[str, ...]) -> set[str]:
    return {value.strip().casefold() for value in values}


def _hold_without_extension(policy: Policy) -> str:
    terms = policy.extension
    if terms.requests_hold and not (terms.grace_days and terms.while_others_wait and terms.most):
        return (
            "extension.requests_hold keeps who waits waiting for an extension that cannot be granted then: set "
            "extension.grace_days and extension.most, and leave extension.while_others_wait on."
        )
    return ""


def _approver_unknown(policy: Policy) -> str:
    known = {name for group in policy.review.groups for name in (group.name, *group.people)}
    known |= {name for person in policy.review.people for name in (person.email, *person.names)}
    folded = {name.strip().casefold() for name in known}
    unknown = [name for name in policy.review.approvers if name.strip().casefold() not in folded]
    if unknown:
        return f"review.approvers names {', '.join(unknown)}, who is no group, nor anybody of review.people."
    return ""


def _overdue_without_clock(policy: Policy) -> str:
    if policy.reminders.overdue and not policy.review.within_hours:
        return "reminders.overdue never fires: no clock runs (review.within_hours is 0)."
    return ""


def _reminded_before_it_begins(policy: Policy) -> str:
    never = [day for day in policy.reminders.before_days if day >= policy.protection.days]
    if never:
        return (
            f"reminders.before_days {', '.join(map(str, never))} never fires: a protection lasts "
            f"{policy.protection.days} days (protection.days)."
        )
    return ""


def _grace_without_extension(policy: Policy) -> str:
    if policy.extension.most == 0 and not policy.extension.while_others_wait:
        return "extension.while_others_wait is set, but extension.most is 0: nothing is ever prolonged."
    return ""


_CHECKS = (
    _first_contact_twice,
    _stale_never,
    _cooldown_inside_grace,
    _value_not_required,
    _close_not_required,
    _kind_not_required,
    _no_room_for_manual,
    _dormant_before_contact,
    _deputy_circle,
    _programme_never,
    _programmes_overlap,
    _grace_without_extension,
    family_most_without_family,
    passed_days_without_leads,
    _hold_without_extension,
    _approver_unknown,
    _overdue_without_clock,
    _reminded_before_it_begins,
)
