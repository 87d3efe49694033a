"""Parts of the policy file that are off or empty unless written down: proof, edits, extensions, reviews, benefits."""

from __future__ import annotations

from datetime import date, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, field_validator, model_validator

from syncd.policy.calendars import DAYS, Calendar
from syncd.policy.durations import Duration


class Part(BaseModel):
    """A part of the policy file: unknown keys are refused, nothing changes once it is read."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Need(StrEnum):
    """How much a standard of proof counts."""

    OFF = "off"
    REQUIRED = "required"
    ONE_OF = "one_of"
    SCORED = "scored"


class Standard(Part):
    """One standard of proof."""

    need: Need = Need.OFF
    """`required`: must be met. `one_of`: one of those marked so must be met. `scored`: gives points. `off`."""

    points: int = Field(default=1, ge=1, le=100)
    """What it gives when it is scored and met."""


class ProofTerms(Part):
    """What shows that the partner works on the deal, beside a form that is filled in."""

    introduction: Standard = Standard()
    """The customer has confirmed an introduction or a meeting: a proof of one of these kinds."""

    discovery: Standard = Standard()
    """Something was found out and written down: a proof of one of these kinds."""

    qualification: Standard = Standard()
    """Budget, authority, need and time are answered, or a proof says so (BANT, MEDDIC)."""

    first_contact: Standard = Standard()
    """The day of first contact is known and inside the window."""

    least_points: int = Field(default=0, ge=0, le=400)
    """So many points the scored ones must give together."""

    introduction_kinds: tuple[str, ...] = ("introduction", "meeting", "email", "invitation")
    """Kinds of proof that confirm an introduction or a meeting, as the form names them."""

    discovery_kinds: tuple[str, ...] = ("discovery", "demo", "poc", "proof of concept", "requirements")
    """Kinds of proof that are a deliverable of discovery."""

    qualification_kinds: tuple[str, ...] = ("bant", "meddic", "meddpicc", "qualification")
    """Kinds of proof that hold the answers of a qualification."""

    @model_validator(mode="after")
    def _can_be_met(self) -> ProofTerms:
        scored = [s.points for s in self.standards.values() if s.need is Need.SCORED]
        if self.least_points > sum(scored):
            raise ValueError(
                f"least_points is {self.least_points}, but the scored standards give {sum(scored)} together: "
                "every filing would be returned; mark more of them `scored`, or ask for fewer points"
            )
        if scored and not self.least_points:
            raise ValueError("a standard is scored, but least_points is 0, so its points change nothing; set it")
        return self

    @property
    def standards(self) -> dict[str, Standard]:
        """The four standards by name."""
        return {
            "introduction": self.introduction,
            "discovery": self.discovery,
            "qualification": self.qualification,
            "first_contact": self.first_contact,
        }

    @property
    def on(self) -> bool:
        """Does the policy ask for any?"""
        return any(s.need is not Need.OFF for s in self.standards.values())


class Speculation(Part):
    """When a filing looks like one of many that were filed in the hope of some."""

    signs: int = Field(default=0, ge=0, le=3)
    """So many of the signs below send a filing to a person. 0 switches it off."""

    capacity: int = Field(default=100, ge=1, le=1_000_000)
    """A sign: the partner has this many live registrations already."""

    conversion_percent: int = Field(default=10, ge=0, le=100)
    """A sign: fewer of the partner's ended registrations than this share became a won deal."""

    conversion_after: int = Field(default=20, ge=1, le=100_000)
    """The share is looked at once so many registrations of the partner have ended."""

    stale_after_days: int = Field(default=60, ge=1, le=3650)
    """A sign: the first contact lies more days than this before the filing."""


class ExtensionTerms(Part):
    """How often and how long a protection may be prolonged."""

    days: int = Field(default=30, ge=1, le=1095)
    """An extension moves the end by this many days."""

    most: int = Field(default=2, ge=0, le=100)
    """So many extensions one protection may have; 0 means none."""

    while_others_wait: bool = True
    """May it be prolonged while another partner waits in line?"""

    grace_days: int = Field(default=14, ge=0, le=365)
    """For this many days after the end, what was asked for in time can be granted, and a person can reinstate."""

    requests_hold: bool = False
    """Does an extension that the portal says was asked for in time keep who waits waiting, until it is decided?"""


class Least(Part):
    """The smallest value of a deal that may be registered, in one currency."""

    amount: Decimal = Field(gt=0)
    """So much a deal must be worth."""

    currency: str = Field(pattern="^[A-Z]{3}$")
    """Three letters, such as EUR."""


class Edits(StrEnum):
    """What happens when a partner adds products to a filing that is protected."""

    IGNORE = "ignore"
    CHECK = "check"


class Person(Part):
    """Somebody of the channel team who may be away."""

    email: str
    """As partners name their manager."""

    deputy: str = ""
    """The e-mail of who decides instead while this person is away or not active."""

    away_from: date | None = None
    """The first day of absence, by the calendar of the partner who waits."""

    away_to: date | None = None
    """The last day of absence."""

    names: tuple[str, ...] = ()
    """Other names of the same person: as forms, and the machine on which syncd runs, have them."""

    @model_validator(mode="after")
    def _in_order(self) -> Person:
        if (self.away_from is None) != (self.away_to is None):
            raise ValueError("give both away_from and away_to, or neither")
        if self.away_from and self.away_to and self.away_to < self.away_from:
            raise ValueError(f"away_to {self.away_to} is before away_from {self.away_from}")
        return self


class Group(Part):
    """People who belong together, such as the channel desk."""

    name: str = Field(min_length=1)
    """What the group is called."""

    people: tuple[str, ...] = Field(min_length=1)
    """Its people, by e-mail or name."""

    apart: bool = False
    """Does nobody of the group decide about what one of them has filed?"""


class ReviewTerms(Part):
    """Who decides what waits for a person, and by when."""

    within_hours: int = Field(default=0, ge=0, le=960)
    """Business hours in which a person decides; after them the next in line is asked. 0: no clock runs."""

    team_queue: str = ""
    """Who is asked when neither the channel manager nor a deputy is there, such as an e-mail of the desk."""

    people: tuple[Person, ...] = ()
    """Channel managers with their deputies and absences."""

    groups: tuple[Group, ...] = ()
    """Groups of people, to be named in `approvers`, or to be kept apart."""

    approvers: tuple[str, ...] = ()
    """Groups, or people by e-mail or name, who may decide about registrations; anybody when left out."""

    @field_validator("groups")
    @classmethod
    def _each_name_once(cls, groups: tuple[Group, ...]) -> tuple[Group, ...]:
        names = [group.name.strip().casefold() for group in groups]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"there are two groups {', '.join(twice)}")
        return groups

    def person(self, email: str) -> Person | None:
        """What the policy says about somebody."""
        wanted = email.strip().lower()
        return next((p for p in self.people if p.email.strip().lower() == wanted), None)


class ReminderTerms(Part):
    """What people are told beforehand, and once it is too late; each is recorded once, whenever the daemon ran."""

    before_days: tuple[int, ...] = ()
    """So many days before a protection ends, its partner and its manager are told; such as [30, 14, 7, 1]."""

    after_days: tuple[int, ...] = ()
    """So many days after it has run out, they are told again; 0 is the end itself."""

    unanswered_days: tuple[int, ...] = ()
    """So many days after a filing went back to a partner who has not answered, the partner is told."""

    waiting_every_days: int = Field(default=0, ge=0, le=365)
    """Every so many days a partner who waits, in line or for a person, is told how its filing stands. 0: off."""

    overdue: bool = False
    """When the time to decide is over (review.within_hours), is the next in line told?"""

    @property
    def on(self) -> bool:
        """Is anybody told anything?"""
        often = self.waiting_every_days > 0
        return often or bool(self.before_days or self.after_days or self.unanswered_days or self.overdue)

    @model_validator(mode="after")
    def _days_that_can_be(self) -> ReminderTerms:
        for name, least in (("before_days", 1), ("after_days", 0), ("unanswered_days", 1)):
            days: tuple[int, ...] = getattr(self, name)
            if any(not least <= day <= 365 for day in days) or len(set(days)) != len(days):
                raise ValueError(f"{name} wants different whole days from {least} to 365, not {list(days)}")
        return self


class PrecheckTerms(Part):
    """Whether partners may ask beforehand if a deal could be registered."""

    per_day: int = Field(default=0, ge=0, le=10_000)
    """So many questions one partner may ask in 24 hours; every one is logged. 0: no pre-check."""

    answer_after: Duration = timedelta(seconds=2)
    """Every answer comes after this time, or a multiple of it, so that how long it took tells nothing."""

    @field_validator("answer_after")
    @classmethod
    def _some_time(cls, value: timedelta) -> timedelta:
        if not timedelta(seconds=1) <= value <= timedelta(minutes=1):
            raise ValueError("answer_after wants 1s to 1m: shorter shows how much was looked at, longer is no answer")
        return value


class Step(Part):
    """One step of the ladder of a dispute."""

    level: str
    """Who decides on this step, such as `head of partnerships`."""

    days: int = Field(ge=1, le=365)
    """Business days after which the next step takes over, counted from the opening."""


class DisputeTerms(Part):
    """How a collision that people decide is handled."""

    appeal_days: int = Field(default=5, ge=0, le=365)
    """Business days after a ruling in which it can be appealed, once. 0: no appeal."""

    ladder: tuple[Step, ...] = ()
    """Who decides, and for how many business days, before the next one does."""

    @field_validator("ladder")
    @classmethod
    def _upwards(cls, ladder: tuple[Step, ...]) -> tuple[Step, ...]:
        days = [step.days for step in ladder]
        if days != sorted(set(days)):
            raise ValueError(f"each step must end later than the one before, not after {days} business days")
        return ladder


class Benefits(Part):
    """What a protected registration brings the partner: data for the portal and the deal desk, enforced nowhere."""

    tier: str = ""
    """For partners of this tier; the entry without a tier counts for all others."""

    discount_points: Decimal | None = Field(default=None, ge=0, le=100)
    """Points of discount beside the partner's usual one."""

    mdf_percent: Decimal | None = Field(default=None, ge=0, le=100)
    """Marketing funds, as a share of the deal's value."""

    pre_sales: bool | None = None
    """Does the vendor help before the sale?"""


def _clock(value: object) -> time:
    if isinstance(value, time):
        return value
    if isinstance(value, int):  # YAML 1.1 reads 9:00 as a number of minutes or seconds
        raise ValueError('write the time between quotes, such as "09:00"')
    try:
        return time.fromisoformat(str(value))
    except ValueError as error:
        raise ValueError(f'write the time as hours and minutes, such as "09:00", not {value!r}') from error


Clock = Annotated[
    time, BeforeValidator(_clock), PlainSerializer(lambda value: value.isoformat("minutes"), return_type=str)
]


class CalendarTerms(Part):
    """The working hours of one place."""

    zone: str = "UTC"
    """Time zone, such as Europe/London."""

    weekend: tuple[str, ...] = ("saturday", "sunday")
    """Days of the week on which nobody works."""

    holidays: tuple[date, ...] = ()
    """Days on which nobody works."""

    opens: Clock = time(0)
    """When work begins, such as "09:00"; 00:00 is the start of the day."""

    closes: Clock = time(0)
    """When work ends; 00:00 is the end of the day."""

    regions: tuple[str, ...] = ()
    """Regions of partners for whom this calendar counts; the first one without any counts for all others."""

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"there is no time zone {zone!r}; write one such as Europe/London") from error
        return zone

    @field_validator("weekend")
    @classmethod
    def _days_of_the_week(cls, days: tuple[str, ...]) -> tuple[str, ...]:
        lower = tuple(day.strip().lower() for day in days)
        unknown = [day for day in lower if day not in DAYS]
        if unknown:
            raise ValueError(f"there is no day {', '.join(unknown)}; choose from {', '.join(DAYS)}")
        if len(set(lower)) == len(DAYS):
            raise ValueError("a week of seven days off leaves no day on which anybody decides")
        return lower

    @model_validator(mode="after")
    def _some_hours(self) -> CalendarTerms:
        if self.closes != time(0) and self.closes <= self.opens:
            raise ValueError(f"work ends at {self.closes:%H:%M}, which is not after it begins at {self.opens:%H:%M}")
        return self

    def calendar(self) -> Calendar:
        """As something to count with."""
        weekend = frozenset(DAYS.index(day) for day in self.weekend)
        return Calendar(ZoneInfo(self.zone), weekend, frozenset(self.holidays), self.opens, self.closes)
