"""The switches about what claims cover, who holds them, and whose deal a deal is."""

from __future__ import annotations

from syncd.policy.claim_terms import Branches, DirectMeans, Family, MovedDeals, Unsure
from syncd.policy.schema import NamedAccounts, Policy, Scope, Territory
from syncd.policy.switch import Switch


def _scope(policy: Policy) -> str:
    if policy.scope is Scope.COMPANY:
        return "A registration claims the whole company, whatever products it names."
    return (
        "A registration claims its products in the one deal that carries its number; as long as there is none, in all "
        "deals of the company."
    )


def _family(policy: Policy) -> str:
    if policy.family is Family.WARN:
        return "Claims on two companies of one group both stand, and each tells of the other."
    return (
        f"Companies joined by ownership are one company for every claim, up to {policy.family_most} accounts; filings "
        "in a larger family are looked at."
    )


def _roles(policy: Policy) -> str:
    said = []
    if policy.roles.on_behalf:
        said.append(f"What a {' or '.join(policy.roles.on_behalf)} files for another partner is that partner's claim.")
    if policy.roles.referral:
        said.append(
            f"A filing as {' or '.join(policy.roles.referral)} is a referral: it protects nothing, and stands beside a "
            "claim."
        )
    return " ".join(said)


def _tenders(policy: Policy) -> str:
    what = "not approved" if policy.tenders is NamedAccounts.REJECT else "looked at by a person"
    return f"A deal whose tender was published before the approval is {what}; where only another filing says so, a "\
        "person looks."  # fmt: skip


def _leads(policy: Policy) -> str:
    others = "is not approved" if policy.passed_leads is NamedAccounts.REJECT else "is looked at too"
    return (
        f"Where you passed a lead to a partner in the {policy.passed_lead_days} days before, a person looks at that "
        f"partner's filing, and any other {others}."
    )


def _direct(policy: Policy) -> str:
    said = []
    if policy.direct_means.kinds:
        said.append(f"Your own team's opportunities are those of {', '.join(policy.direct_means.kinds)}.")
    if policy.direct_means.unsure is Unsure.REVIEW:
        said.append("One that says nothing of a partner and fits a registration is looked at by a person.")
    return " ".join(said)


CLAIM_SWITCHES: tuple[Switch, ...] = (
    Switch(
        "scope", "Lets a registration claim the whole company, or one opportunity, instead of the products it names.",
        lambda p: p.scope is not Scope.PRODUCTS, _scope,
    ),
    Switch(
        "territory", "Lets claims in two countries stand beside each other (C05).",
        lambda p: p.territory is not Territory.ANYWHERE, lambda p: "Claims in two countries do not meet.",
    ),
    Switch(
        "family", "Tells of claims on other companies of a group, or decides about the group as one (C19).",
        lambda p: p.family is not Family.APART, _family,
    ),
    Switch(
        "branches", "Counts the branches of one partner as one partner (C02).",
        lambda p: p.branches is Branches.TOGETHER,
        lambda p: "Partners with the same parent count as one partner.",
    ),
    Switch("roles", "Tells distributors and referrers from resellers (C34, C35).", lambda p: p.roles.on, _roles),
    Switch(
        "several_in", "Protects several partners at once in some industries, such as the public sector (C39).",
        lambda p: bool(p.several_in),
        lambda p: f"In companies of {', '.join(p.several_in)} several partners may be protected at once.",
    ),
    Switch(
        "tenders", "Refuses or looks at deals whose tender was published before the approval (C37).",
        lambda p: p.tenders is not NamedAccounts.ALLOW, _tenders,
    ),
    Switch(
        "passed_leads", "Keeps a lead that you passed to a partner for that partner (C44).",
        lambda p: p.passed_leads is not NamedAccounts.ALLOW, _leads,
    ),
    Switch(
        "moved_deals", "Asks where the deal of a protection lies on another company's account (C26).",
        lambda p: p.moved_deals is MovedDeals.ASK,
        lambda p: "Where the deal of a protection lies on another company's account, a person looks; it holds.",
    ),
    Switch(
        "own_deals.kinds", "Knows a partner's own deal by its record type or pipeline, too (C00).",
        lambda p: bool(p.own_deals.kinds),
        lambda p: f"An opportunity of {', '.join(p.own_deals.kinds)} was brought by a partner.",
    ),
    Switch(
        "own_deals.created_by", "Knows a partner's own deal by the user who created it, too (C00).",
        lambda p: bool(p.own_deals.created_by),
        lambda p: f"An opportunity that {' or '.join(p.own_deals.created_by)} created was brought by a partner.",
    ),
    Switch(
        "direct_means", "Narrows what is your own team's deal: by its kind, or a person looks (C00).",
        lambda p: p.direct_means != DirectMeans(), _direct,
    ),
)  # fmt: skip
"""Rules about scope, parties and own deals that are off in the policy as shipped."""


def family_most_without_family(policy: Policy) -> str:
    """A bound on families that are not looked at together bounds nothing."""
    if policy.family is not Family.TOGETHER and policy.family_most != Policy().family_most:
        return "family_most bounds nothing: the companies of a family are not decided together (family)."
    return ""


def passed_days_without_leads(policy: Policy) -> str:
    """Days that count from a lead that is not looked at."""
    if policy.passed_leads is NamedAccounts.ALLOW and policy.passed_lead_days != Policy().passed_lead_days:
        return "passed_lead_days counts nothing: passed_leads is allow."
    return ""
