"""The table of what each rule needs: true to the model, to docs/rulings.md, and to what the rules do without."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.mapping.fields import canonical_fields
from syncd.model import Stream
from syncd.policy import Policy, never_given, rules_off
from syncd.policy.needs import DIRECT, PARTNER, RULES, Need, Rule

RULINGS = (Path(__file__).parents[2] / "docs" / "rulings.md").read_text(encoding="utf-8")
EVERYTHING = {
    (side, stream): frozenset(field.name for field in canonical_fields(stream))
    for side in (DIRECT, PARTNER)
    for stream in Stream
}


def without(*names: str, side: str, stream: Stream) -> dict[tuple[str, Stream], frozenset[str]]:
    return {**EVERYTHING, (side, stream): EVERYTHING[side, stream] - set(names)}


WANTED = Policy.model_validate(
    {
        "house_accounts": "review",
        "direct": {"contact_days": 60},
        "proof": {"discovery": {"need": "required"}},
        "minimum": [{"amount": 1, "currency": "EUR"}],
        "least_days_before_close": 3,
        "protection": {"dormant_after_days": 30},
        "extension": {"requests_hold": True},
        "tenders": "review",
        "passed_leads": "review",
        "roles": {"on_behalf": ["distributor"]},
        "branches": "together",
        "family": "warn",
        "several_in": ["Government"],
        "own_deals": {"kinds": ["Partner"], "created_by": ["u1"]},
    }
)
"""A policy that wants every rule."""


def off(mapped: dict[tuple[str, Stream], frozenset[str]], policy: Policy | None = None) -> set[str]:
    return {found.rule.name for found in rules_off(policy or WANTED, mapped)}


def test_with_everything_mapped_no_rule_is_off() -> None:
    assert rules_off(Policy(), EVERYTHING) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_names_fields_that_there_are_and_a_section_of_the_rulings(rule: Rule) -> None:
    for need in rule.needs:
        assert set(need.any_of) <= EVERYTHING[need.side, need.stream]
    section = rule.section.split(",")[0]
    top, _, below = section.partition(".")
    assert f"\n## {top}. " in RULINGS
    assert not below or f"\n{below}. " in RULINGS or f" {section}" in RULINGS
    for code in rule.section.split(", ")[1:]:
        assert code in RULINGS
    assert rule.without.endswith(".")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_is_off_without_any_one_of_its_needs(rule: Rule) -> None:
    for need in rule.needs:
        assert rule.name in off(without(*need.any_of, side=need.side, stream=need.stream))
        assert rule.name in off({key: fields for key, fields in EVERYTHING.items() if key != (need.side, need.stream)})


def test_one_of_several_fields_is_enough() -> None:
    need = Need(DIRECT, Stream.OPPORTUNITIES, ("closed_at", "close_on"))
    assert need.met({(DIRECT, Stream.OPPORTUNITIES): frozenset({"close_on"})})
    assert not need.met({(DIRECT, Stream.OPPORTUNITIES): frozenset({"name"})})
    assert not need.met({(PARTNER, Stream.OPPORTUNITIES): frozenset({"close_on"})})
    assert Need(DIRECT, Stream.USERS).met({(DIRECT, Stream.USERS): frozenset()})
    assert str(need) == "direct opportunities: closed_at or close_on"


def test_a_rule_that_the_policy_does_not_want_is_not_missed() -> None:
    mapped = without("is_named", side=DIRECT, stream=Stream.ACCOUNTS)
    assert "not_named" in off(mapped)
    assert "not_named" not in off(mapped, Policy.model_validate({"named_accounts": "allow"}))
    mapped = without("is_customer", "last_order_on", side=DIRECT, stream=Stream.ACCOUNTS)
    assert "new_logo" not in off(mapped, Policy.model_validate({"customers": {"new_logo_days": 0}}))


def test_it_is_said_what_is_off_for_want_of_what_and_what_holds_without() -> None:
    (found,) = rules_off(Policy(), without("is_named", side=DIRECT, stream=Stream.ACCOUNTS))
    assert str(found) == (
        "not_named (rulings 5.6, C17) is off for want of direct accounts: is_named. No account counts as named."
    )


def test_a_required_field_that_no_filing_can_have_is_named() -> None:
    policy = Policy(required=("company.name", "company.location", "company.country", "proof"))
    assert list(never_given(policy, EVERYTHING)) == []
    mapped = {
        (PARTNER, Stream.REGISTRATIONS): frozenset({"status", "country"}),
        (PARTNER, Stream.ACCOUNTS): frozenset({"name", "city"}),
    }
    (said,) = never_given(policy, mapped)
    assert said.startswith("`required` has proof (proof of the relationship)")
    carried = {(PARTNER, Stream.REGISTRATIONS): frozenset({"company.name", "proof"})}
    assert [said.split(" (")[0] for said in never_given(policy, carried)] == [
        "`required` has company.location", "`required` has company.country",
    ]  # fmt: skip
