"""Policy: pure functions from facts, recorded decisions and `now` to decisions, collisions and wanted stamps.

`decide` is the entrance; docs/rulings.md is its specification.
"""

from syncd.policy.book import number_of
from syncd.policy.decide import decide
from syncd.policy.explain import banner
from syncd.policy.needs import Off, never_given, rules_off
from syncd.policy.people import approve, check_person, reject, rule
from syncd.policy.schema import Policy, sentences, version_of
from syncd.policy.words import APPLICATIONS, CODES, Audience, reason_words

__all__ = [
    "APPLICATIONS",
    "CODES",
    "Audience",
    "Off",
    "Policy",
    "approve",
    "banner",
    "check_person",
    "decide",
    "never_given",
    "number_of",
    "reason_words",
    "reject",
    "rule",
    "rules_off",
    "sentences",
    "version_of",
]
