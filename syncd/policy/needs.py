"""Which rule of docs/rulings.md needs which streams and fields, so that `check` can say what is off for want of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from syncd.model import Stream
from syncd.policy.claim_terms import Branches, Family
from syncd.policy.requirable import REQUIRABLE
from syncd.policy.schema import NamedAccounts, Policy

DIRECT, PARTNER = "direct", "partner"

Mapped = Mapping[tuple[str, Stream], frozenset[str]]
"""The fields that are mapped, by side (direct or partner) and stream."""


@dataclass(frozen=True, slots=True)
class Need:
    """One stream of one side, and fields of it of which one is enough; none means: the stream itself."""

    side: str
    stream: Stream
    any_of: tuple[str, ...] = ()

    def met(self, mapped: Mapped) -> bool:
        """It is there."""
        fields = mapped.get((self.side, self.stream))
        return fields is not None and (not self.any_of or not fields.isdisjoint(self.any_of))

    def __str__(self) -> str:
        if not self.any_of:
            return f"{self.side} {self.stream.value}"
        return f"{self.side} {self.stream.value}: {' or '.join(self.any_of)}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, where docs/rulings.md says it, everything that it needs, and what holds without.

    `on` says whether the policy wants it at all.
    """

    name: str
    section: str
    needs: tuple[Need, ...]
    without: str
    on: Callable[[Policy], bool] = lambda policy: True


@dataclass(frozen=True, slots=True)
class Off:
    """A rule that cannot work, and what it lacks."""

    rule: Rule
    lacks: tuple[Need, ...]

    def __str__(self) -> str:
        lacks = "; ".join(map(str, self.lacks))
        return f"{self.rule.name} (rulings {self.rule.section}) is off for want of {lacks}. {self.rule.without}"


def _filed(*fields: str) -> Need:
    return Need(PARTNER, Stream.REGISTRATIONS, fields)


def _deal(*fields: str) -> Need:
    return Need(DIRECT, Stream.OPPORTUNITIES, fields)


def _account(*fields: str) -> Need:
    return Need(DIRECT, Stream.ACCOUNTS, fields)


_CLOSED = (_deal("is_closed"), _deal("is_won"), _deal("closed_at", "close_on"))

RULES: tuple[Rule, ...] = (
    Rule(
        "products_meet", "1", (_filed("products"), _deal("products")),
        "Claims meet whatever the products are.",
    ),
    Rule(
        "priority", "1", (_filed("submitted_at", "created_at"),),
        "No filing has a time: all of them are outside, and nothing is decided.",
    ),
    Rule(
        "withdrawn", "2", (_filed("status"),),
        "Nothing is known to be withdrawn.",
    ),
    Rule(
        "adopted", "2", (_filed("approved_at"), _filed("protected_until")),
        "Approvals of the source are taken to begin with the filing and to last as the policy says.",
    ),
    Rule(
        "own_deal_by_key", "3.1", (_deal("registration_key"),),
        "A partner's own deal is not known by its registration.",
    ),
    Rule(
        "own_deal_by_partner", "3.2", (_deal("partner_name", "lead_source"), _deal("created_at")),
        "A partner's own deal is known by its registration key alone.",
    ),
    Rule(
        "partner_active", "5.3", (_filed("partner_id"), Need(PARTNER, Stream.PARTNERS, ("partner_id",))),
        "Every partner is unknown, and everything goes to review.",
    ),
    Rule(
        "partner_status", "5.3", (Need(PARTNER, Stream.PARTNERS, ("status",)),),
        "Every partner counts as active.",
    ),
    Rule(
        "proof_given", "5.4", (_filed("proof_kind"), _filed("proof")),
        "No proof is known by its kind: what needs one is returned.",
        lambda policy: policy.proof.on,
    ),
    Rule(
        "value_enough", "5.5", (_filed("value"),),
        "No value is known: every filing is returned.",
        lambda policy: bool(policy.minimum),
    ),
    Rule(
        "time_left", "5.5", (_filed("close_on"),),
        "How soon a deal closes is not looked at.",
        lambda policy: policy.least_days_before_close > 0,
    ),
    Rule(
        "requests_hold", "9a", (_filed("extension_asked_at"),),
        "Nobody is known to have asked for an extension, and who waits follows at the end.",
        lambda policy: policy.extension.requests_hold,
    ),
    Rule(
        "dormant", "13", (_deal("last_activity_on"),),
        "A protection is dormant by the day of its start, or that of its deal.",
        lambda policy: policy.protection.dormant_after_days > 0,
    ),
    Rule(
        "first_contact_recent", "5.5", (_filed("first_contact_on"),),
        "How old the relationship is, is not looked at.",
        lambda policy: policy.first_contact.max_age_days > 0,
    ),
    Rule(
        "not_named", "5.6, C17", (_account("is_named"),),
        "No account counts as named.",
        lambda policy: policy.named_accounts is not NamedAccounts.ALLOW,
    ),
    Rule(
        "new_logo", "5.7, C14", (_account("is_customer", "last_order_on"),),
        "A company counts as a customer by won opportunities alone.",
        lambda policy: policy.customers.new_logo_days > 0,
    ),
    Rule(
        "new_logo_by_deals", "5.7, C14", _CLOSED,
        "A company counts as a customer by what its account says alone.",
        lambda policy: policy.customers.new_logo_days > 0,
    ),
    Rule(
        "incumbent_keeps", "5.7, C15", (Need(DIRECT, Stream.CONTRACTS, ("account_id",)), _deal("is_won")),
        "A renewal is a deal with a customer like any other.",
        lambda policy: policy.customers.renewal_days > 0,
    ),
    Rule(
        "not_house", "5.6, C18", (Need(DIRECT, Stream.LISTS, ("kind",)), Need(DIRECT, Stream.LISTS, ("account_id",))),
        "No account counts as a house account.",
        lambda policy: policy.house_accounts is not NamedAccounts.ALLOW,
    ),
    Rule(
        "direct_contact", "5.9, C11",
        (Need(DIRECT, Stream.ACTIVITIES, ("is_two_way",)), Need(DIRECT, Stream.ACTIVITIES, ("created_at",))),
        "Contact without an opportunity is not looked at.",
        lambda policy: policy.direct.contact_days > 0,
    ),
    Rule(
        "unpublished", "5.5, C37", (_filed("tender_on"),),
        "No tender counts as published.",
        lambda policy: policy.tenders is not NamedAccounts.ALLOW,
    ),
    Rule(
        "own_source", "5.9, C44",
        (Need(DIRECT, Stream.LEADS, ("account_id",)), Need(DIRECT, Stream.LEADS, ("partner_name",)),
         Need(DIRECT, Stream.LEADS, ("created_at",))),
        "No lead counts as passed on.",
        lambda policy: policy.passed_leads is not NamedAccounts.ALLOW,
    ),
    Rule(
        "roles", "1, C34, C35", (_filed("role"),),
        "Everybody counts as reseller.",
        lambda policy: policy.roles.on,
    ),
    Rule(
        "on_behalf", "1, C34", (_filed("with_partner_id"),),
        "What a distributor files is its own claim.",
        lambda policy: bool(policy.roles.on_behalf),
    ),
    Rule(
        "branches", "1, C02", (Need(PARTNER, Stream.PARTNERS, ("parent_id",)),),
        "Every partner stands for itself.",
        lambda policy: policy.branches is Branches.TOGETHER,
    ),
    Rule(
        "family", "1, C19", (_account("parent_id"),),
        "No company is known to be owned by another.",
        lambda policy: policy.family is not Family.APART,
    ),
    Rule(
        "several_at_once", "1, C39", (_account("industry"),),
        "The industry is what the filing says, where the company has no account, and else unknown.",
        lambda policy: bool(policy.several_in),
    ),
    Rule(
        "own_deal_by_kind", "3.2", (_deal("kind"),),
        "No kind of opportunity tells whose it is.",
        lambda policy: bool(policy.own_deals.kinds or policy.direct_means.kinds),
    ),
    Rule(
        "own_deal_by_creator", "3.2", (_deal("created_by_id"),),
        "Nobody's having created an opportunity tells whose it is.",
        lambda policy: bool(policy.own_deals.created_by),
    ),
    Rule(
        "no_duplicate", "5.8, C01", (_filed("partner_id"),),
        "The same partner's second filing is not known as one.",
    ),
    Rule(
        "direct_not_engaged", "5.9, C08", (_deal("account_id"), _deal("created_at"), _deal("is_closed")),
        "Your own team's open deals stand in nobody's way.",
    ),
    Rule(
        "direct_dormant", "5.9, C08", (_deal("last_activity_on"),),
        "A deal counts as active by the day of its creation.",
    ),
    Rule(
        "not_recently_lost", "5.10, C13", _CLOSED,
        "Deals that your own team has just lost are not looked at.",
        lambda policy: policy.direct.lost_cooldown_days > 0,
    ),
    Rule(
        "first_registered", "5.11, C03, C06, C07", (_filed("partner_id"), _filed("submitted_at", "created_at")),
        "It is not known which partner came first.",
    ),
    Rule(
        "protection_stands", "8, C09, C10", (_deal("account_id"), _deal("created_at")),
        "Deals of your own team beside a protection are not listed.",
    ),
    Rule(
        "contact", "10", (Need(PARTNER, Stream.PARTNERS, ("manager_email",)), Need(DIRECT, Stream.USERS, ("email",))),
        "Records name no channel manager, or only an address.",
    ),
    Rule(
        "ownership", "11", (Need(PARTNER, Stream.PARTNERS, ("manager_email",)), Need(DIRECT, Stream.USERS, ("email",))),
        "No owner is suggested or set.",
    ),
)  # fmt: skip
"""Every rule that can be off for want of something. What the others need, no mapping can leave out."""


def rules_off(policy: Policy, mapped: Mapped) -> list[Off]:
    """The rules that the policy wants and that lack something, in the order of docs/rulings.md."""
    found = [Off(rule, tuple(need for need in rule.needs if not need.met(mapped))) for rule in RULES if rule.on(policy)]
    return [off for off in found if off.lacks]


def never_given(policy: Policy, mapped: Mapped) -> Iterator[str]:
    """The fields that `required` names and that no filing can have: each one would return every filing (5.4)."""
    filed = mapped.get((PARTNER, Stream.REGISTRATIONS), frozenset())
    accounts = mapped.get((PARTNER, Stream.ACCOUNTS), frozenset())
    own = {name.removeprefix("company.") for name in filed if name.startswith("company.")}
    company = own or accounts
    for name in policy.required:
        part = name.removeprefix("company.")
        known = _ANY_OF.get(part, (part,)) if name.startswith("company.") else (name,)
        if name == "company.country" and "country" in filed:
            continue
        if (company if name.startswith("company.") else filed).isdisjoint(known):
            yield f"`required` has {name} ({REQUIRABLE[name]}), which no mapping fills: every filing would be returned."


_ANY_OF = {"location": ("street", "city", "postcode")}
