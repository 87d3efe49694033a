"""Policy: pure functions from facts, recorded decisions and `now` to decisions, collisions and wanted stamps.

`decide` is the entrance; docs/rulings.md is its specification.
"""

from syncd.policy.acts import EXEMPTABLE, fields_in_source
from syncd.policy.book import number_of
from syncd.policy.decide import decide
from syncd.policy.disagreements import Disagreement, disagreements
from syncd.policy.explain import banner
from syncd.policy.needs import Off, never_given, rules_off
from syncd.policy.partners import plan_merger, plan_offboarding, plan_return, plan_suspension, registry
from syncd.policy.people import Options, act, appeal, approve, check_person, reject, rule
from syncd.policy.schema import Policy, version_of
from syncd.policy.sentences import sentences
from syncd.policy.switches import switched_off
from syncd.policy.warned import warnings
from syncd.policy.words import APPLICATIONS, CODES, Audience, reason_words

__all__ = [
    "APPLICATIONS",
    "CODES",
    "EXEMPTABLE",
    "Audience",
    "Disagreement",
    "Off",
    "Options",
    "Policy",
    "act",
    "appeal",
    "approve",
    "banner",
    "check_person",
    "decide",
    "disagreements",
    "fields_in_source",
    "never_given",
    "number_of",
    "plan_merger",
    "plan_offboarding",
    "plan_return",
    "plan_suspension",
    "reason_words",
    "registry",
    "reject",
    "rule",
    "rules_off",
    "sentences",
    "switched_off",
    "version_of",
    "warnings",
]
