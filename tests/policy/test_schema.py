"""The policy file: what ships is complete and short, nonsense is refused in words, versions follow content."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from textwrap import wrap
from typing import Any

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from syncd.policy import Policy, sentences, switched_off, version_of, warnings
from syncd.policy.calendars import DAYS
from syncd.policy.durations import format_duration, parse_duration
from syncd.policy.fields import value_of
from syncd.policy.presets import PRESETS
from syncd.policy.requirable import REQUIRABLE
from syncd.policy.switches import SWITCHES

from .factories import company, registration

SHIPPED = Path(__file__).parents[2] / "config" / "policy.yaml"


def shipped() -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(SHIPPED.read_text("utf-8"))
    return loaded


def test_the_shipped_policy_is_the_default_and_has_at_most_forty_lines() -> None:
    assert Policy.model_validate(shipped()) == Policy()
    assert len(SHIPPED.read_text("utf-8").splitlines()) <= 40


def test_the_shipped_policy_shows_every_key_of_what_is_on() -> None:
    """What is off is not in the file; `syncd policy show` lists it in a line (DESIGN 6)."""

    def keys(value: object, prefix: str = "") -> set[str]:
        if not isinstance(value, dict):
            return {prefix}
        return {k for name, part in value.items() for k in keys(part, f"{prefix}.{name}")}

    left_out = {f".{switch.key}" for switch in SWITCHES} | {".extension", ".disputes", ".transition_days"}
    left_out |= {".family_most", ".passed_lead_days"}
    every = keys(Policy().model_dump(mode="json"))
    off = {k for k in every if any(k == key or k.startswith(f"{key}.") for key in left_out)} | {".review.team_queue"}
    assert keys(shipped()) == every - off


def test_every_switch_is_off_as_shipped_and_named_by_its_key() -> None:
    assert [s.key for s in SWITCHES if s.on(Policy())] == []
    lines = switched_off(Policy())
    assert len(lines) == len(SWITCHES) == len({line.partition(":")[0] for line in lines})
    for switch in SWITCHES:
        part: object = Policy()
        for name in switch.key.split("."):
            part = getattr(part, name)


ON: list[tuple[dict[str, Any], str]] = [
    ({"proof": {"introduction": {"need": "required"}}}, "must prove introduction"),
    ({"minimum": [{"amount": 5000, "currency": "GBP"}]}, "worth at least 5000 GBP"),
    ({"least_days_before_close": 10}, "closes in less than 10 days"),
    ({"cooldown_days": 7}, "For 7 days after its protection ended"),
    ({"speculation": {"signs": 2}}, "with 2 of these signs"),
    ({"protection": {"dormant_after_days": 30}}, "without activity on its deal for 30 days"),
    ({"edits": "check"}, "Products added to a protected filing are checked"),
    ({"value_tolerance_percent": 10}, "moves by more than 10 %"),
    ({"review": {"within_hours": 48}}, "within 48 business hours"),
    ({"reminders": {"before_days": [14, 1], "after_days": [0]}}, "14, 1 days before its end and 0 days after it"),
    ({"extension": {"requests_hold": True}}, "goes on waiting, for 14 days after the end at most"),
    ({"review": {"team_queue": "desk@vendor.example"}}, "at last desk@vendor.example"),
    ({"review": {"approvers": ["desk"]}}, "Only desk decide."),
    ({"review": {"groups": [{"name": "desk", "people": ["kim"], "apart": True}]}}, "Nobody of desk decides about"),
    ({"disputes": {"ladder": [{"level": "channel manager", "days": 3}]}}, "channel manager for 3 business days"),
    ({"direct": {"contact_days": 60}}, "within 60 days before the filing stands"),
    ({"house_accounts": "review"}, "Registrations on house accounts are looked at"),
    ({"scope": "company"}, "claims the whole company"),
    ({"territory": "country"}, "Claims in two countries do not meet"),
    ({"family": "together"}, "are one company for every claim, up to 100 accounts"),
    ({"branches": "together"}, "Partners with the same parent count as one partner"),
    ({"roles": {"on_behalf": ["distributor"]}}, "What a distributor files for another partner"),
    ({"several_in": ["Government"]}, "In companies of Government several partners"),
    ({"tenders": "reject"}, "tender was published before the approval is not approved"),
    ({"passed_leads": "reject"}, "in the 90 days before, a person looks at that partner's filing"),
    ({"moved_deals": "ask"}, "lies on another company's account, a person looks"),
    ({"own_deals": {"kinds": ["Partner Deal"]}}, "An opportunity of Partner Deal was brought by a partner"),
    ({"own_deals": {"created_by": ["u-portal"]}}, "that u-portal created was brought by a partner"),
    ({"direct_means": {"kinds": ["New Business"]}}, "opportunities are those of New Business"),
    ({"tie_rules": ["more_complete", "earlier"]}, "stands the more complete form, then the earlier instant"),
    ({"calendars": [{"zone": "Europe/London"}]}, "the calendars of Europe/London"),
    ({"programmes": [{"name": "gold", "approval": "manual"}]}, "gold (everybody) has its own approval"),
    ({"two_people": True}, "one person has proposed it and another has approved it"),
    ({"precheck": {"per_day": 20}}, "may ask 20 times a day"),
    ({"benefits": [{"tier": "gold", "discount_points": 10}]}, "gold: 10 points of discount"),
]


@pytest.mark.parametrize(("given", "says"), ON)
def test_a_rule_that_is_switched_on_is_said_and_no_longer_listed_as_off(given: dict[str, Any], says: str) -> None:
    policy = Policy.model_validate(given)
    assert says in " ".join(sentences(policy))
    assert len(switched_off(policy)) == len(SWITCHES) - 1
    assert version_of(policy) != version_of(Policy())


def test_every_switch_has_been_switched_on_above() -> None:
    assert len(ON) == len(SWITCHES)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, ""),
        (
            {"proof": {"first_contact": {"need": "required"}}, "first_contact": {"max_age_days": 0}},
            "first_contact.max_age_days is 0",
        ),
        ({"speculation": {"signs": 1, "stale_after_days": 90}}, "never fires"),
        ({"cooldown_days": 7}, "bring the old protection back for 14 days"),
        (
            {"minimum": [{"amount": 1, "currency": "EUR"}], "required": ["company.name"]},
            "minimum asks for a value",
        ),
        ({"least_days_before_close": 3}, "a filing without it passes"),
        ({"proof": {"discovery": {"need": "required"}}}, "a filing without it proves nothing"),
        ({"approval": "manual", "protection": {"starts": "received", "days": 3}}, "would be over before anybody"),
        ({"customers": {"new_logo_days": 10}}, "stops a registration for longer (30 days)"),
        (
            {"review": {"people": [{"email": "a@x", "deputy": "b@x"}, {"email": "b@x", "deputy": "A@x"}]}},
            "The deputies of a@x stand in for each other",
        ),
        ({"extension": {"most": 0, "while_others_wait": False}}, "nothing is ever prolonged"),
        ({"extension": {"requests_hold": True, "grace_days": 0}}, "for an extension that cannot be granted"),
        ({"reminders": {"overdue": True}}, "reminders.overdue never fires"),
        ({"family_most": 50}, "family_most bounds nothing"),
        ({"passed_lead_days": 30}, "passed_lead_days counts nothing"),
        ({"reminders": {"before_days": [90, 7]}}, "before_days 90 never fires"),
        ({"review": {"approvers": ["desk"]}}, "names desk, who is no group"),
        (
            {
                "programmes": [
                    {"name": "gold", "tiers": ["gold"], "protection": {"days": 120}},
                    {"name": "north", "countries": ["NO", "SE"], "protection": {"days": 60}},
                ]
            },
            "gold and north say different things (protection) about filings that fit both",
        ),
    ],
)
def test_rules_that_never_fire_or_contradict_are_warned_about(given: dict[str, Any], says: str) -> None:
    found = warnings(Policy.model_validate(given))
    assert found == [] if not says else any(says in text for text in found)


def test_programmes_that_cannot_meet_or_agree_are_not_warned_about() -> None:
    gold = {"name": "gold", "tiers": ["Gold"], "protection": {"days": 120}}
    for other in (
        {"name": "silver", "tiers": ["silver"], "protection": {"days": 60}},
        {"name": "asks", "countries": ["NO"], "approval": "manual"},
        {"name": "same", "countries": ["NO"], "protection": {"days": 120}},
    ):
        assert warnings(Policy.model_validate({"programmes": [gold, other]})) == []
    ended = {**gold, "until_on": "2026-06-30"}
    begins = {"name": "later", "countries": ["NO"], "from_on": "2026-07-01", "protection": {"days": 60}}
    assert warnings(Policy.model_validate({"programmes": [ended, begins]})) == []


def test_the_shipped_policy_fits_one_page_in_sentences_and_each_rule_that_is_off_one_line() -> None:
    policy = Policy.model_validate(shipped())
    lines = [line for sentence in sentences(policy) for line in wrap(f"- {sentence}", 90)]
    assert len(lines) <= 45
    assert all(len(line) <= 120 and "\n" not in line for line in switched_off(policy))
    assert warnings(policy) == []


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
        ({"calendars": [{"zone": "Europe/Londn"}]}, "there is no time zone 'Europe/Londn'"),
        ({"calendars": [{"weekend": ["fridy"]}]}, "there is no day fridy"),
        ({"calendars": [{"weekend": list(DAYS)}]}, "leaves no day on which anybody decides"),
        ({"calendars": [{"opens": "17:00", "closes": "09:00"}]}, "is not after it begins at 17:00"),
        ({"calendars": [{"opens": 540}]}, "write the time between quotes"),
        ({"calendars": [{"opens": "nine"}]}, "write the time as hours and minutes"),
        ({"review": {"people": [{"email": "a@x", "away_from": "2026-06-01"}]}}, "give both away_from and away_to"),
        (
            {"review": {"people": [{"email": "a@x", "away_from": "2026-06-02", "away_to": "2026-06-01"}]}},
            "away_to 2026-06-01 is before away_from 2026-06-02",
        ),
        ({"proof": {"least_points": 1}}, "the scored standards give 0 together"),
        ({"proof": {"discovery": {"need": "scored"}}}, "its points change nothing; set it"),
        ({"minimum": [{"amount": 5, "currency": "pounds"}]}, "should match pattern"),
        (
            {"disputes": {"ladder": [{"level": "a", "days": 5}, {"level": "b", "days": 5}]}},
            "each step must end later than the one before",
        ),
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


def test_a_preset_is_a_start_and_what_is_written_down_goes_before_it() -> None:
    assert version_of(Policy.model_validate({"preset": "first_to_file"})) == version_of(Policy())
    company = Policy.model_validate({"preset": "account_based", "protection": {"days": 60}})
    assert (company.scope.value, company.direct.contact_days) == ("company", 60)
    assert (company.protection.days, company.protection.dormant_after_days) == (60, 60)
    deals = Policy.model_validate({"preset": "opportunity_based"})
    assert (deals.customers.new_logo_days, deals.edits.value) == (0, "check")
    spelt = Policy.model_validate({**PRESETS["opportunity_based"]})
    assert version_of(spelt) == version_of(deals), "a version follows the content"


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_policy_without_contradictions(name: str) -> None:
    policy = Policy.model_validate({"preset": name})
    assert [text for text in warnings(policy) if "close_on" not in text] == []
    assert len(" ".join(sentences(policy))) < 4000, "a page"


def test_an_unknown_preset_is_named_with_those_that_there_are() -> None:
    with pytest.raises(ValidationError, match="first_to_file, account_based, opportunity_based"):
        Policy.model_validate({"preset": "winner_takes_all"})
