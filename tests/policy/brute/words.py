"""What the rooms of the second implementation share: days, policies as plain values, scopes that meet, the past."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

Facts = dict[str, Any]
"""A record, a policy or a whole situation, as plain values; refs are text."""

DAY = timedelta(days=1)
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
NEVER = datetime(1, 1, 1, tzinfo=UTC)

DEFAULTS: Facts = {
    "approval": "automatic",
    "required": [
        "company.name", "company.location", "company.country", "company.industry", "company.employees",
        "decision_makers", "current_vendor", "products", "value", "timeline", "buying_stage", "competition",
        "how_identified", "first_contact_on", "activities", "next_steps", "proof",
    ],
    "first_contact": {"max_age_days": 90},
    "tie_window": 2,
    "protection": {"days": 90, "starts": "approved"},
    "direct": {"dormant_after_days": 60, "lost_cooldown_days": 30, "contact_days": 0},
    "customers": {"new_logo_days": 1095, "renewal_days": 90},
    "named_accounts": "reject",
    "house_accounts": "allow",
    "scope": "products",
    "territory": "anywhere",
    "tie_rules": [],
    "max_records_per_registration": 25,
    "own_deals": {"lead_sources": ["Partner", "Partner Referral", "Channel"], "within_days": 90},
    "ended_notice_days": 7,
    "minimum": [],
    "least_days_before_close": 0,
    "cooldown_days": 0,
    "extension": {"days": 30, "most": 2, "while_others_wait": True, "grace_days": 14},
}  # fmt: skip


def whole(policy: Facts) -> Facts:
    """A policy with everything that it does not say."""
    return {
        key: {**value, **policy.get(key, {})} if isinstance(value, dict) else policy.get(key, value)
        for key, value in DEFAULTS.items()
    }


def midnight(on: date) -> datetime:
    """The start of a day."""
    return datetime(on.year, on.month, on.day, tzinfo=UTC)


def folded(text: str | None) -> str:
    """Case and outer spaces aside."""
    return (text or "").strip().casefold()


def number_of(registration: Facts) -> str:
    """The number of a registration: its own, or the one that it is given."""
    digest = hashlib.blake2b(registration["ref"].encode(), digest_size=5).digest()
    return registration["number"] or "DR-" + base64.b32encode(digest).decode()


def scopes_meet(one: Facts, two: Facts, policy: Facts) -> bool:
    """Do two scopes (products and a country) meet?"""
    products = not one["products"] or not two["products"] or bool(set(one["products"]) & set(two["products"]))
    if policy["territory"] == "anywhere":
        return products
    return products and (not one["country"] or not two["country"] or one["country"] == two["country"])


def closed_at(opp: Facts) -> datetime | None:
    """The closing stamp, else the start of the close date."""
    if opp["closed_at"]:
        return opp["closed_at"]
    return midnight(opp["close_on"]) if opp["close_on"] else None


def last_before(world: Facts, record: Facts, at: datetime) -> Facts:
    """What a record said at an instant; what is known of it first, where it had said nothing yet."""
    versions = world["past"].get(record["ref"])
    if not versions:
        return record
    told = [v["record"] for v in versions if v["since"] <= at]
    return told[-1] if told else versions[0]["record"]
