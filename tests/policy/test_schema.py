"""The policy file: what ships is complete and short, nonsense is refused in words, versions follow content."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from syncd.policy import Policy, sentences, version_of
from syncd.policy.fields import value_of
from syncd.policy.schema import REQUIRABLE, format_duration, parse_duration

from .factories import company, registration

SHIPPED = Path(__file__).parents[2] / "config" / "policy.yaml"


def shipped() -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(SHIPPED.read_text("utf-8"))
    return loaded


def test_the_shipped_policy_is_the_default_and_has_at_most_forty_lines() -> None:
    assert Policy.model_validate(shipped()) == Policy()
    assert len(SHIPPED.read_text("utf-8").splitlines()) <= 40


def test_the_shipped_policy_shows_every_key() -> None:
    def keys(value: object, prefix: str = "") -> set[str]:
        if not isinstance(value, dict):
            return {prefix}
        return {k for name, part in value.items() for k in keys(part, f"{prefix}.{name}")}

    assert keys(shipped()) == keys(Policy().model_dump(mode="json"))


def test_every_key_says_what_it_means() -> None:
    schema = Policy.model_json_schema()
    parts = [schema, *(d for d in schema["$defs"].values() if "properties" in d)]
    for part in parts:
        for name, key in part["properties"].items():
            of_part = schema["$defs"].get(key.get("$ref", "").rpartition("/")[2], {})
            assert len(key.get("description") or of_part.get("description", "")) > 20, name


def test_what_a_first_time_user_wants() -> None:
    policy = Policy()
    assert (policy.protection.days, policy.first_contact.max_age_days) == (90, 90)
    assert (policy.direct.dormant_after_days, policy.direct.lost_cooldown_days) == (60, 30)
    assert (policy.customers.new_logo_days, policy.approval.value) == (1095, "automatic")
    assert policy.tie_window == timedelta(seconds=2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2s", timedelta(seconds=2)),
        ("5m", timedelta(minutes=5)),
        ("1h", timedelta(hours=1)),
        (" 12 h ", timedelta(hours=12)),
    ],
)
def test_a_duration_is_a_number_with_its_unit(text: str, expected: timedelta) -> None:
    assert Policy.model_validate({"tie_window": text}).tie_window == expected
    assert parse_duration(format_duration(expected)) == expected


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"tie_window": "2"}, "write a whole number with its unit"),
        ({"tie_window": 2}, "write a whole number with its unit"),
        ({"tie_window": "0s"}, "makes no sense"),
        ({"tie_window": "1d"}, "whoever files later than that is second"),
        ({"required": ["company.name", "budget"]}, "there is no field 'budget'"),
        ({"required": ["company.name", "name"]}, "did you mean company.name?"),
        ({"required": ["company.name", "decision_maker"]}, "did you mean decision_makers?"),
        ({"required": ["company.name", "company.staff"]}, "did you mean company.employees?"),
        ({"required": ["company.name", "company.city"]}, "did you mean company.location?"),
        ({"required": ["company.name", "company.mascot"]}, "choose from company.name, company.location"),
        ({"required": ["company.name", "value", "value"]}, "value is listed twice"),
        ({"required": ["value"]}, "a form without a customer would approve itself"),
        ({"own_deals": {"lead_sources": ["Partner", " "]}}, "a blank lead source"),
        ({"protection": {"days": 0}}, "greater than or equal to 1"),
        ({"protection": {"day": 90}}, "Extra inputs are not permitted"),
        ({"named_accounts": "block"}, "'reject', 'review' or 'allow'"),
        ({"approval": "auto"}, "'automatic' or 'manual'"),
        ({"nonsense": 1}, "Extra inputs are not permitted"),
    ],
)
def test_nonsense_is_refused_in_words(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Policy.model_validate(given)
    assert says in str(refusal.value)


def test_a_manual_policy_may_require_nothing() -> None:
    assert Policy.model_validate({"approval": "manual", "required": []}).required == ()


def test_a_policy_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Policy().approval = "manual"  # type: ignore[misc, assignment]


def test_a_version_follows_the_content_and_not_how_it_was_written() -> None:
    assert version_of(Policy()) == version_of(Policy.model_validate(shipped()))
    assert version_of(Policy.model_validate({"tie_window": "120s"})) == version_of(
        Policy.model_validate({"tie_window": "2m"})
    )
    changed = [{"approval": "manual"}, {"protection": {"days": 91}}, {"required": ["company.name"]}]
    versions = {version_of(Policy.model_validate(c)) for c in changed} | {version_of(Policy())}
    assert len(versions) == 4
    assert all(len(v) == 12 and int(v, 16) >= 0 for v in versions)


def test_the_policy_in_sentences_names_every_number() -> None:
    said = " ".join(sentences(Policy()))
    for number in ("90 days", "60 days", "30 days", "1095 days", "2s", "7 days"):
        assert number in said
    for words in ("decision makers", "legal name of the company", "Partner Referral"):
        assert words in said


def test_the_sentences_follow_the_policy() -> None:
    other = Policy.model_validate(
        {
            "approval": "manual",
            "required": [],
            "first_contact": {"max_age_days": 0},
            "direct": {"lost_cooldown_days": 0},
            "customers": {"new_logo_days": 0},
            "named_accounts": "allow",
            "protection": {"starts": "received", "days": 1},
            "own_deals": {"lead_sources": []},
            "ended_notice_days": 0,
        }
    )
    said = sentences(other)
    assert "A registration may leave any field empty." in said
    assert "Existing customers may be registered like all others." in said
    assert "An approval protects the products filed for 1 day, counted from the filing." in said
    assert len(said) == len(sentences(Policy()))
    assert not set(said) & {s for s in sentences(Policy()) if "required" in s or "customer" in s}


def test_the_schema_lists_only_fields_that_a_registration_has() -> None:
    for name in REQUIRABLE:
        assert value_of(name, registration(), company()) is not None, name
