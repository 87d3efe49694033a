"""Who is asked: the manager, a deputy while somebody is away or gone, the queue; never nobody, and never too late."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from syncd.model import Outcome
from syncd.policy import Policy, decide
from syncd.policy.desk import NOBODY, WEEK, absences, calendar_of, deputies, seat

from .factories import MAX, MIA, T0, WYCH, days, group, registration, run, stamp, state

MIA_MAIL, MAX_MAIL = "mia.manager@vendor.example", "max@vendor.example"
TEAM = {MIA_MAIL: MIA, MAX_MAIL: MAX}
AWAY = {"email": "Mia.Manager@vendor.example", "deputy": MAX_MAIL, "away_from": "2026-06-03", "away_to": "2026-06-05"}


def policy(*people: dict[str, Any], **rest: Any) -> Policy:
    """A policy with these people."""
    return Policy.model_validate({"review": {"people": list(people), **rest}})


def asked(how: Policy, now: datetime = T0, **users: Any) -> str:
    """Who is asked for Wychwood."""
    return str(seat(WYCH, how, {**TEAM, **users}, now))


def test_the_channel_manager_is_asked() -> None:
    assert asked(Policy()) == "Mia Manager"


@pytest.mark.parametrize(
    ("now", "who"),
    [
        (T0, "Mia Manager"),
        (T0 + days(2), "Max Manager"),  # the third of June
        (T0 + days(4) + timedelta(hours=11, minutes=59), "Max Manager"),
        (T0 + days(4) + timedelta(hours=12), "Mia Manager"),  # the sixth begins
    ],
)
def test_while_somebody_is_away_the_deputy_is_asked(now: datetime, who: str) -> None:
    assert asked(policy(AWAY), now) == who


def test_days_of_absence_are_those_of_the_place() -> None:
    tokyo = Policy.model_validate({"review": {"people": [AWAY]}, "calendars": [{"zone": "Asia/Tokyo"}]})
    assert asked(tokyo, datetime.fromisoformat("2026-06-02T15:00+00:00")) == "Max Manager"
    assert asked(policy(AWAY), datetime.fromisoformat("2026-06-02T15:00+00:00")) == "Mia Manager"


def test_who_is_not_active_any_more_is_never_asked_while_there_is_a_deputy() -> None:
    gone = {MIA_MAIL: replace(MIA, is_active=False)}
    assert asked(policy({"email": MIA_MAIL, "deputy": MAX_MAIL}), **gone) == "Max Manager"
    assert asked(policy(team_queue="desk@vendor.example"), **gone) == "desk@vendor.example"


def test_deputies_of_deputies_are_followed_and_a_circle_ends_with_the_queue() -> None:
    both = (AWAY, {**AWAY, "email": MAX_MAIL, "deputy": MIA_MAIL})
    found = seat(WYCH, policy(*both, team_queue="desk@vendor.example"), TEAM, T0 + days(2))
    assert (found.email, found.why.count("is away until 2026-06-05")) == ("desk@vendor.example", 2)
    assert deputies(WYCH, policy(*both)) == [MIA_MAIL, MAX_MAIL]


def test_when_everybody_is_away_and_no_queue_is_named_the_manager_is_asked_all_the_same() -> None:
    alone = policy({**AWAY, "deputy": ""})
    assert asked(alone, T0 + days(2)) == "Mia Manager"


def test_nobody_known_is_said_and_never_silent() -> None:
    assert seat(None, Policy(), TEAM, T0) is NOBODY
    assert "every admin is asked" in NOBODY.why
    assert str(seat(None, policy(team_queue="desk@vendor.example"), TEAM, T0)) == "desk@vendor.example"


def test_the_calendar_of_the_partners_region_counts_else_the_first_without_one() -> None:
    how = Policy.model_validate(
        {"calendars": [{"zone": "Asia/Riyadh", "regions": ["Middle East"]}, {"zone": "Europe/London"}]}
    )
    assert calendar_of(how, replace(WYCH, region=" middle east")).zone.key == "Asia/Riyadh"
    assert calendar_of(how, replace(WYCH, region="EMEA")).zone.key == "Europe/London"
    assert calendar_of(how, None).zone.key == "Europe/London"
    assert calendar_of(Policy(), WYCH) == WEEK


def test_records_name_the_deputy_and_the_group_is_due_when_the_absence_ends() -> None:
    def shown(outcome: Outcome) -> object:
        return stamp(outcome, "a1")["contact"]

    how = policy(AWAY)
    claims, outcome = run(group(registration()), policy=how)
    assert (shown(outcome), outcome.next_due) == ("Mia Manager", WEEK.end_of(date(2026, 6, 2)))
    outcome = decide(claims, how, T0 + days(2))
    assert (shown(outcome), outcome.next_due) == ("Max Manager", WEEK.end_of(date(2026, 6, 5)))
    assert {f"user:{MIA_MAIL}", f"user:{MAX_MAIL}"} <= outcome.topics
    assert absences(WYCH, Policy()) == []


CLOCK = Policy.model_validate(
    {
        "approval": "manual",
        "review": {"within_hours": 16, "people": [{"email": MIA_MAIL, "deputy": MAX_MAIL}], "team_queue": "the desk"},
        "calendars": [{"zone": "Europe/London", "opens": "09:00", "closes": "17:00", "holidays": ["2026-06-02"]}],
    }
)


def test_what_waits_for_a_person_names_who_and_until_when_in_business_hours() -> None:
    claims, outcome = run(group(registration()), policy=CLOCK)
    due = datetime.fromisoformat("2026-06-04T12:00:02+00:00")  # four hours on Monday, Tuesday is off, eight, four
    assert state(outcome).detail.endswith("Mia Manager is asked, and decides by 12:00 on 4 June 2026 (UTC).")
    assert outcome.next_due == due
    late = decide(claims, CLOCK, due)
    assert state(late).detail.endswith("It was to be decided by 12:00 on 4 June 2026 (UTC); now Max Manager is asked.")
    assert (state(late).application, late.decisions) == ("review", ()), "silence never approves"


def test_when_the_deputy_is_not_there_either_the_queue_is_asked() -> None:
    claims, _ = run(
        group(registration(), managers={MIA_MAIL: MIA, MAX_MAIL: replace(MAX, is_active=False)}), policy=CLOCK
    )
    late = decide(claims, CLOCK, T0 + days(9))
    assert "now the desk is asked" in state(late).detail


def test_no_clock_runs_as_shipped_and_none_for_what_needs_nobody() -> None:
    manual = Policy.model_validate({"approval": "manual"})
    assert "is asked" not in state(run(group(registration()), policy=manual)[1]).detail
    approving = Policy.model_validate({"review": {"within_hours": 16}})
    assert "is asked" not in state(run(group(registration()), policy=approving)[1]).detail


def test_each_further_span_passes_on_to_whoever_is_next_and_ends_with_the_queue() -> None:
    """Sixteen business hours are two days: Thursday noon, Monday noon, Wednesday noon."""
    claims, _ = run(group(registration()), policy=CLOCK)
    spans = [datetime.fromisoformat(f"2026-06-{day}T12:00:02+00:00") for day in ("04", "08", "10")]
    for at, who, following in zip(spans, ("Max Manager", "the desk", "the desk"), [*spans[1:], None], strict=True):
        outcome = decide(claims, CLOCK, at)
        assert state(outcome).detail.endswith(f"by 12:00 on 4 June 2026 (UTC); now {who} is asked.")
        assert following is None or outcome.next_due == following


def test_each_of_them_is_told_once_when_it_comes_to_them() -> None:
    telling = CLOCK.model_copy(update={"reminders": CLOCK.reminders.model_copy(update={"overdue": True})})
    claims, _ = run(group(registration()), T0 + days(30), telling)
    told = [d for d in claims.decisions if d.reason == "overdue"]
    assert [(d.effective_at.isoformat(), d.evidence["step"]) for d in told] == [
        ("2026-06-04T12:00:02+00:00", 1), ("2026-06-08T12:00:02+00:00", 2),
    ]  # fmt: skip
    assert [str(seat(WYCH, telling, TEAM, T0, d.evidence["step"])) for d in told] == ["Max Manager", "the desk"]
    assert decide(claims, telling, T0 + days(60)).decisions == ()
