"""Is the relationship proved? Four standards, each required, one of several, or scored (docs/rulings.md 5.4)."""

from __future__ import annotations

import re

from syncd.model import Application
from syncd.policy.book import Book, Filing, Verdict
from syncd.policy.fields import plain, value_of
from syncd.policy.terms import Need, ProofTerms

_ANSWERS = ("value", "decision_makers", "products", "timeline")
"""Budget, authority, need and time, as the form asks for them."""

_ASKED = {
    "introduction": ("proof_kind", "proof"),
    "discovery": ("proof_kind", "proof"),
    "qualification": ("proof_kind", "proof", *_ANSWERS),
    "first_contact": ("first_contact_on",),
}


def proof_given(filing: Filing, book: Book) -> Verdict | None:
    """The partner has shown what the policy asks for: all that is required, one of some, and enough points."""
    terms = filing.policy.proof
    if not terms.on:
        return None
    met = {name for name in terms.standards if _MET[name](filing, book)}
    lacking = missing(terms, met)
    if not lacking:
        return None
    names = sorted({field for name in lacking for field in _ASKED[name]})
    fields = {name: plain(value_of(name, filing.registration, filing.company)) for name in names}
    facts = {"met": sorted(met), "lacking": lacking, "points": points(terms, met), "fields": fields}
    return Verdict(Application.RETURNED, "proof_given", "missing_proof", filing.ready_at, facts)


def missing(terms: ProofTerms, met: set[str]) -> list[str]:
    """The standards of which some are needed still; empty when the proof is enough."""
    by_need = {need: [n for n, s in terms.standards.items() if s.need is need] for need in Need}
    lacking = [name for name in by_need[Need.REQUIRED] if name not in met]
    if by_need[Need.ONE_OF] and met.isdisjoint(by_need[Need.ONE_OF]):
        lacking += by_need[Need.ONE_OF]
    if points(terms, met) < terms.least_points:
        lacking += [name for name in by_need[Need.SCORED] if name not in met]
    return lacking


def points(terms: ProofTerms, met: set[str]) -> int:
    """What the scored standards that are met give together."""
    return sum(s.points for name, s in terms.standards.items() if s.need is Need.SCORED and name in met)


def _introduction(filing: Filing, book: Book) -> bool:
    return _shown(filing, filing.policy.proof.introduction_kinds)


def _discovery(filing: Filing, book: Book) -> bool:
    return _shown(filing, filing.policy.proof.discovery_kinds)


def _qualification(filing: Filing, book: Book) -> bool:
    answered = all(value_of(name, filing.registration, filing.company) is not None for name in _ANSWERS)
    return answered or _shown(filing, filing.policy.proof.qualification_kinds)


def _first_contact(filing: Filing, book: Book) -> bool:
    contact, limit = filing.registration.first_contact_on, filing.policy.first_contact.max_age_days
    if contact is None:
        return False
    age = (filing.day - contact).days
    return age >= 0 and (not limit or age <= limit)


def _shown(filing: Filing, kinds: tuple[str, ...]) -> bool:
    """Is there a proof of one of these kinds? A form may name several kinds, split by `;`, `,` or a new line."""
    named, proof = filing.registration.proof_kind, filing.registration.proof
    if not named or not (proof or "").strip():
        return False
    given = {part.strip().casefold().replace("_", " ") for part in re.split(r"[;,\n]", named)}
    return not given.isdisjoint(kind.strip().casefold().replace("_", " ") for kind in kinds)


_MET = {
    "introduction": _introduction,
    "discovery": _discovery,
    "qualification": _qualification,
    "first_contact": _first_contact,
}
