"""What the policy leaves out: each rule that can be switched on, whether it is, and what it says when it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from syncd.policy.schema import NamedAccounts, Policy, Programme, Scope, Territory, TieRule
from syncd.policy.terms import Edits, Need


@dataclass(frozen=True, slots=True)
class Switch:
    """A rule that is off until its key is written down: what it does, and its sentence when it is on."""

    key: str
    does: str
    on: Callable[[Policy], bool]
    says: Callable[[Policy], str]

    def off(self) -> str:
        """A line for a policy without it."""
        return f"{self.key}: off. {self.does}"


def _proof(policy: Policy) -> str:
    by_need = {
        need: [n.replace("_", " ") for n, s in policy.proof.standards.items() if s.need is need] for need in Need
    }
    parts = []
    if by_need[Need.REQUIRED]:
        parts.append(f"must prove {' and '.join(by_need[Need.REQUIRED])}")
    if by_need[Need.ONE_OF]:
        parts.append(f"must prove one of {', '.join(by_need[Need.ONE_OF])}")
    if by_need[Need.SCORED]:
        parts.append(f"must reach {policy.proof.least_points} points with {', '.join(by_need[Need.SCORED])}")
    return f"A registration {'; it '.join(parts)}; otherwise it is returned to the partner."


def _minimum(policy: Policy) -> str:
    listed = ", ".join(f"{least.amount} {least.currency}" for least in policy.minimum)
    return f"A deal must be worth at least {listed}; without a currency it is returned."


def _speculation(policy: Policy) -> str:
    terms = policy.speculation
    return (
        f"A person looks at a filing with {terms.signs} of these signs: the partner has {terms.capacity} live "
        f"registrations; less than {terms.conversion_percent} % of its last ones were won (after "
        f"{terms.conversion_after}); the first contact is older than {terms.stale_after_days} days."
    )


def _review(policy: Policy) -> str:
    queue = f", then {policy.review.team_queue}" if policy.review.team_queue else ""
    return (
        f"What waits for a person is decided within {policy.review.within_hours} business hours; nothing is ever "
        f"approved because they have passed. Where the manager is away the deputy is asked{queue}."
    )


def _ladder(policy: Policy) -> str:
    steps = ", ".join(f"{step.level} for {step.days} business days" for step in policy.disputes.ladder)
    return f"A dispute is decided by {steps}."


def _people(policy: Policy) -> str:
    asked = f"Instead of who is away or not active, the deputy is asked, and at last {policy.review.team_queue}."
    return asked.replace(", and at last .", ".")


def _calendars(policy: Policy) -> str:
    zones = ", ".join(terms.zone for terms in policy.calendars)
    return f"Business time is counted by the calendars of {zones}."


def _programmes(policy: Policy) -> str:
    return "Other terms, the first that fits: " + "; ".join(map(_programme, policy.programmes)) + "."


def _programme(programme: Programme) -> str:
    selects = [
        f"{what} {', '.join(named)}"
        for what, named in (
            ("partners", programme.partners), ("tiers", programme.tiers), ("regions", programme.regions),
            ("products", programme.products), ("countries", programme.countries),
        )
        if named
    ]  # fmt: skip
    selects += [f"filed from {programme.from_on}"] if programme.from_on else []
    selects += [f"filed until {programme.until_on}"] if programme.until_on else []
    return f"{programme.name} ({'; '.join(selects) or 'everybody'}) has its own {', '.join(programme.terms)}"


def _benefits(policy: Policy) -> str:
    return "A protection brings " + "; ".join(_benefit(policy, i) for i in range(len(policy.benefits))) + "."


def _benefit(policy: Policy, index: int) -> str:
    benefit = policy.benefits[index]
    parts = [f"{benefit.discount_points} points of discount"] if benefit.discount_points is not None else []
    parts += [f"{benefit.mdf_percent} % of marketing funds"] if benefit.mdf_percent is not None else []
    parts += ["help before the sale"] if benefit.pre_sales else []
    return f"{benefit.tier or 'everybody else'}: {', '.join(parts) or 'nothing'}"


_TREATED = {
    NamedAccounts.ALLOW: "treated like all others.",
    NamedAccounts.REVIEW: "looked at by a person.",
    NamedAccounts.REJECT: "not approved.",
}

_TIES = {
    TieRule.EARLIER: "the earlier instant",
    TieRule.MORE_COMPLETE: "the more complete form",
    TieRule.INCUMBENT: "the partner who sold here last",
}


def _ties(policy: Policy) -> str:
    listed = ", then ".join(_TIES[rule] for rule in policy.tie_rules)
    return f"Between two filings of one moment stands {listed}; else a person decides."


SWITCHES: tuple[Switch, ...] = (
    Switch("proof", "Four standards of proof, each required, one of several, or scored.", lambda p: p.proof.on, _proof),
    Switch("minimum", "A smallest value per currency.", lambda p: bool(p.minimum), _minimum),
    Switch(
        "least_days_before_close", "Refuses deals that close too soon (C52).",
        lambda p: p.least_days_before_close > 0,
        lambda p: f"A deal that closes in less than {p.least_days_before_close} days is too late to register.",
    ),
    Switch(
        "cooldown_days", "Lets a partner wait before it registers again what has just ended (C30).",
        lambda p: p.cooldown_days > 0,
        lambda p: f"For {p.cooldown_days} days after its protection ended, a partner cannot register the same again.",
    ),
    Switch(
        "speculation", "Sends filings to a person that look speculative: capacity, conversion, freshness.",
        lambda p: p.speculation.signs > 0, _speculation,
    ),
    Switch(
        "protection.dormant_after_days", "Names protections on whose deal nothing happens in the CRM.",
        lambda p: p.protection.dormant_after_days > 0,
        lambda p: f"A protection without activity on its deal for {p.protection.dormant_after_days} days is dormant: "
        "it holds, and a person is asked.",
    ),
    Switch(
        "edits", "Checks and protects products that are added to a protected filing (C48).",
        lambda p: p.edits is Edits.CHECK,
        lambda p: "Products added to a protected filing are checked, alone, as if filed then; the end stays.",
    ),
    Switch(
        "review.within_hours", "A clock for decisions of people, in business hours.",
        lambda p: p.review.within_hours > 0, _review,
    ),
    Switch(
        "review.people", "Deputies and absences, and a queue for when nobody is there.",
        lambda p: bool(p.review.people or p.review.team_queue), _people,
    ),
    Switch("disputes.ladder", "Who decides a dispute, and for how long.", lambda p: bool(p.disputes.ladder), _ladder),
    Switch(
        "direct.contact_days", "Lets two-way contact before the filing stand, without an opportunity too (C11).",
        lambda p: p.direct.contact_days > 0,
        lambda p: f"Two-way contact of your team within {p.direct.contact_days} days before the filing stands.",
    ),
    Switch(
        "house_accounts", "Refuses or looks at filings on house accounts (C18).",
        lambda p: p.house_accounts is not NamedAccounts.ALLOW,
        lambda p: "Registrations on house accounts are " + _TREATED[p.house_accounts],
    ),
    Switch(
        "scope", "Lets a registration claim the whole company instead of the products that it names.",
        lambda p: p.scope is Scope.COMPANY,
        lambda p: "A registration claims the whole company, whatever products it names.",
    ),
    Switch(
        "territory", "Lets claims in two countries stand beside each other (C05).",
        lambda p: p.territory is not Territory.ANYWHERE,
        lambda p: "Claims in two countries do not meet.",
    ),
    Switch("tie_rules", "Decides between two filings of one moment before a person does (C06).",
           lambda p: bool(p.tie_rules), _ties),
    Switch(
        "max_records_per_registration", "Sends a filing to a person that would mark very many records.",
        lambda p: p.max_records_per_registration > 0,
        lambda p: f"A filing that would mark more than {p.max_records_per_registration} records is looked at.",
    ),
    Switch("calendars", "Working hours, weekends and holidays by region.", lambda p: bool(p.calendars), _calendars),
    Switch(
        "programmes", "Other terms for some partners, tiers, regions, products, countries or days.",
        lambda p: bool(p.programmes), _programmes,
    ),
    Switch("benefits", "Discount, marketing funds and pre-sales by tier.", lambda p: bool(p.benefits), _benefits),
)  # fmt: skip
"""Every rule that is off in the policy as shipped."""


def switched_on(policy: Policy) -> list[str]:
    """What the rules that are on say, and what people may do whatever is on."""
    extension = policy.extension
    said = [switch.says(policy) for switch in SWITCHES if switch.on(policy)]
    times = {0: "never", 1: "once", 2: "twice"}.get(extension.most, f"{extension.most} times")
    said.append(
        f"A person may prolong a protection {times}, by {extension.days} days, when it was asked for before the end, "
        f"and bring it back within {extension.grace_days} days after it."
    )
    if policy.disputes.appeal_days:
        said.append(
            f"A decided collision can be appealed once, within {policy.disputes.appeal_days} business days; "
            "somebody else decides, and that is final."
        )
    return said


def switched_off(policy: Policy) -> list[str]:
    """A line for each rule that is off."""
    return [switch.off() for switch in SWITCHES if not switch.on(policy)]


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
    sides = ("partners", "tiers", "regions", "products", "countries")
    wider = all(
        not getattr(one, s) or (bool(getattr(two, s)) and set(getattr(two, s)) <= set(getattr(one, s))) for s in sides
    )
    begins = one.from_on is None or (two.from_on is not None and one.from_on <= two.from_on)
    ends = one.until_on is None or (two.until_on is not None and two.until_on <= one.until_on)
    return wider and begins and ends


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
    _grace_without_extension,
)
