"""What a policy may require of a form, in plain words, and which field was meant where a name is misspelt."""

from __future__ import annotations

import difflib
import re

REQUIRABLE: dict[str, str] = {
    "company.name": "legal name of the company",
    "company.location": "street, city or postcode of the company",
    "company.country": "country of the company or of the deal",
    "company.industry": "industry of the company",
    "company.employees": "number of employees",
    "decision_makers": "decision makers with titles",
    "current_vendor": "vendor used today",
    "products": "products of interest",
    "value": "value of the deal",
    "close_on": "expected close date",
    "timeline": "timeline of the project",
    "buying_stage": "buying stage",
    "competition": "competitors",
    "how_identified": "how the partner found the deal",
    "first_contact_on": "date of first contact",
    "activities": "activities done so far",
    "next_steps": "next steps",
    "proof_kind": "kind of proof of the relationship",
    "proof": "proof of the relationship",
    "submitter": "person who filed it",
}
"""What `required` may list, in plain words (docs/rulings.md 5.4)."""

_OTHER_WORDS = {
    "company.employees": "staff headcount size workforce people",
    "company.location": "address street city town postcode zip region",
    "company.industry": "sector vertical branch",
    "company.country": "nation",
    "value": "amount revenue worth",
    "close_on": "closing closes",
    "current_vendor": "incumbent supplier",
    "competition": "competitors rivals",
    "decision_makers": "contacts titles",
    "submitter": "sender",
}
"""What people call a field besides its name."""


def meant(name: str) -> str:
    """The field that was probably meant: by its spelling, else by another word for it; empty when unclear.

    What stands before the dot is not compared, or every unknown fact of a company would look like its name.
    """
    last = name.strip().lower().rpartition(".")[2]
    ends = {field.rpartition(".")[2]: field for field in REQUIRABLE}
    near = difflib.get_close_matches(last, ends, 1, 0.7)
    if near:
        return ends[near[0]]
    words = set(re.split(r"[_\s-]+", last))
    fits = [field for field, others in _OTHER_WORDS.items() if not words.isdisjoint(others.split())]
    return fits[0] if len(fits) == 1 else ""
