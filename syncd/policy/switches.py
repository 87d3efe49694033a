"""What the policy leaves out: each rule that can be switched on, whether it is, and what it says when it is."""

from __future__ import annotations

from syncd.policy.claim_switches import CLAIM_SWITCHES
from syncd.policy.schema import NamedAccounts, Policy, Programme, TieRule
from syncd.policy.switch import Switch
from syncd.policy.terms import Edits, Need


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


def _reminders(policy: Policy) -> str:
    terms = policy.reminders
    parts = [f"{_listed(terms.before_days)} days before its end"] if terms.before_days else []
    parts += [f"{_listed(terms.after_days)} days after it"] if terms.after_days else []
    said = [f"Partner and manager are reminded of a protection {' and '.join(parts)}."] if parts else []
    if terms.unanswered_days:
        said.append(f"A partner who has not answered a return is reminded after {_listed(terms.unanswered_days)} days.")
    if terms.waiting_every_days:
        said.append(f"A partner who waits is told every {terms.waiting_every_days} days how its filing stands.")
    if terms.overdue:
        said.append("Who is next in line is told when the time to decide is over.")
    return " ".join(said)


def _listed(days: tuple[int, ...]) -> str:
    return ", ".join(map(str, days))


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
            ("products", programme.products), ("countries", programme.countries), ("kinds", programme.kinds),
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
        "value_tolerance_percent", "Lets a person look where the value of a protected filing is edited.",
        lambda p: p.value_tolerance_percent > 0,
        lambda p: f"Where the value of a protected filing moves by more than {p.value_tolerance_percent} % a person "
        "looks; what was granted stands.",
    ),
    Switch(
        "review.within_hours", "A clock for decisions of people, in business hours.",
        lambda p: p.review.within_hours > 0, _review,
    ),
    Switch(
        "reminders", "Tells partners and managers before a protection ends, and when nobody answers.",
        lambda p: p.reminders.on, _reminders,
    ),
    Switch(
        "extension.requests_hold", "Keeps who waits waiting while an extension asked for in time is undecided (C31).",
        lambda p: p.extension.requests_hold,
        lambda p: "While an extension that was asked for in time is undecided, who waits goes on waiting, for "
        f"{p.extension.grace_days} days after the end at most.",
    ),
    Switch(
        "review.people", "Deputies and absences, and a queue for when nobody is there.",
        lambda p: bool(p.review.people or p.review.team_queue), _people,
    ),
    Switch(
        "review.approvers", "Lets only some people decide about registrations.",
        lambda p: bool(p.review.approvers), lambda p: f"Only {', '.join(p.review.approvers)} decide.",
    ),
    Switch(
        "review.groups", "Keeps people of one group from deciding about what one of them has filed.",
        lambda p: any(g.apart for g in p.review.groups),
        lambda p: "Nobody of "
        f"{', '.join(g.name for g in p.review.groups if g.apart)} decides about what another of them has filed.",
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
    *CLAIM_SWITCHES,
    Switch("tie_rules", "Decides between two filings of one moment before a person does (C06).",
           lambda p: bool(p.tie_rules), _ties),
    Switch("calendars", "Working hours, weekends and holidays by region.", lambda p: bool(p.calendars), _calendars),
    Switch(
        "programmes", "Other terms for some partners, tiers, regions, products, countries or days.",
        lambda p: bool(p.programmes), _programmes,
    ),
    Switch(
        "two_people", "Lets a changed policy hold only once a second person has approved it.",
        lambda p: p.two_people,
        lambda p: "A changed policy holds once one person has proposed it and another has approved it.",
    ),
    Switch(
        "precheck", "Answers partners who ask beforehand: yes, no or pending, and nothing else.",
        lambda p: p.precheck.per_day > 0,
        lambda p: f"A partner may ask {p.precheck.per_day} times a day whether a deal could be registered, and reads "
        "yes, no or pending.",
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
