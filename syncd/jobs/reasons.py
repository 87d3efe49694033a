"""Reasons in words: why a record should show what it should, for plans, stories and the demo."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from syncd.store.outcomes import Claimed

_WITHOUT_A_REGISTRATION = {
    "nothing_to_show": "Nobody claims this record.",
    "no_claim": "Nobody claims this record; a stamp on it was not ours to leave there.",
    "no_longer_in_this_organization": "The claim that was shown here concerns another company.",
    "given_back": "The protection is over; whoever was here before syncd is given back.",
    "outside": "The mapping leaves this record out by now; what syncd wrote on it is taken off again.",
    "retired": "syncd leaves this CRM: nothing of it is shown here any more.",
    "overridden": "A person has had undone what syncd wrote here, and nothing else has been decided since.",
}


def details_of(claims: Iterable[Claimed]) -> dict[str, str]:
    """What is to be said of each registration, by its ref."""
    return {str(item.state.ref): item.state.detail for item in claims}


def because_in_words(because: Mapping[str, Any], details: Mapping[str, str]) -> str:
    """One or two sentences: the registration, where it stands and why; what kind of deal an opportunity is."""
    rule, number = str(because.get("rule") or ""), because.get("number")
    if rule in _WITHOUT_A_REGISTRATION or not number:
        return _WITHOUT_A_REGISTRATION.get(rule, rule)
    said = f"{number}: {details.get(str(because.get('registration')), rule)}"
    if rule == "partner_manager_owns":
        return f"{said} The partner's channel manager owns the deal meanwhile."
    if because.get("deal") == "own":
        return f"The partner's own deal. {said}"
    if rule == "direct":
        return f"The direct deal stands against {said}"
    return said
