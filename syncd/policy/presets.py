"""Three ways to run a channel programme, as a start: what each says otherwise than the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PRESETS: dict[str, dict[str, Any]] = {
    "first_to_file": {},
    "account_based": {
        "scope": "company",
        "named_accounts": "review",
        "direct": {"contact_days": 60},
        "protection": {"days": 180, "dormant_after_days": 60},
    },
    "opportunity_based": {
        "customers": {"new_logo_days": 0},
        "least_days_before_close": 3,
        "protection": {"dormant_after_days": 30},
        "edits": "check",
    },
}
"""`first_to_file`: the defaults. `account_based`: a registration claims the whole company, for longer, and contact
counts. `opportunity_based`: each deal by its products, at existing customers too, and it has to be worked on."""


def with_preset(given: Mapping[str, Any], preset: str) -> dict[str, Any]:
    """The policy as given over its preset: what is written down goes before what the preset says, key by key."""
    return _over(PRESETS[preset], given)


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**below, **above}
    for key in below.keys() & above.keys():
        if isinstance(below[key], Mapping) and isinstance(above[key], Mapping):
            merged[key] = _over(below[key], above[key])
    return merged
