"""Collisions that people handle: who decides by when, one appeal to somebody else, and then it is final."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.model import Actor, Code, Collision, Decision, DecisionKind, Ref, User
from syncd.policy.book import Book, Filing
from syncd.policy.desk import Seat, calendar_of, same_person, seat
from syncd.policy.explain import day
from syncd.policy.schema import Policy
from syncd.policy.standing import is_person

OPEN, RULED, APPEALED, FINAL = "open", "ruled", "appealed", "final"
"""The states of a collision: no rule decides; decided; decided and appealed; decided on appeal, for good."""


@dataclass(frozen=True, slots=True)
class History:
    """What was said about one pair of claims, oldest first: rulings by people, and the one appeal."""

    rulings: tuple[Decision, ...] = ()
    appeal: Decision | None = None

    @property
    def before(self) -> tuple[Decision, ...]:
        """The rulings that stood before the appeal."""
        return self.rulings[: self._split]

    @property
    def after(self) -> tuple[Decision, ...]:
        """The rulings on the appeal; the last one is final."""
        return self.rulings[self._split :]

    @property
    def _split(self) -> int:
        if self.appeal is None:
            return len(self.rulings)
        return sum(1 for made in self.rulings if _before(made, self.appeal))

    def state(self, winner: Ref | None) -> str:
        """Where the dispute stands, given which claim stands now."""
        if self.appeal is not None:
            return FINAL if self.after else APPEALED
        return OPEN if winner is None else RULED


def _before(one: Decision, two: Decision) -> bool:
    """Was one recorded before the other? By number where both have one, else by time."""
    if one.seq is not None and two.seq is not None:
        return one.seq < two.seq
    return one.at < two.at


def histories(decisions: Iterable[Decision]) -> dict[tuple[Ref, Ref], History]:
    """What people said about each pair of claims."""
    found: dict[tuple[Ref, Ref], History] = {}
    for made in decisions:
        other = made.evidence.get("against")
        if other is None or made.kind not in (DecisionKind.RULED, DecisionKind.APPEALED):
            continue
        pair = (made.subject, Ref.parse(str(other)))
        known = found.get(pair, History())
        if made.kind is DecisionKind.RULED:
            found[pair] = History((*known.rulings, made), known.appeal)
        elif known.appeal is None:
            found[pair] = History(known.rulings, made)
    return found


def history_of(collision: Collision, book: Book) -> History:
    """What people said about a collision."""
    return histories(book.group.decisions).get((collision.registration, collision.other), History())


def ruler_refusals(collision: Collision, actor: Actor, book: Book) -> list[str]:
    """Why somebody cannot rule on a collision: it is final, or the appeal is against this very person."""
    history = history_of(collision, book)
    if history.after:
        return [f"{collision.id} was decided on appeal by {history.after[-1].actor.name}, and that is final."]
    if history.appeal is None:
        return []
    if same_person(actor.name, history.appeal.actor.name, book.policy):
        return [f"{actor.name} has appealed against {collision.id}; somebody else rules on it."]
    if any(same_person(actor.name, name, book.policy) for name in _deciders(collision, history, book)):
        return [f"{actor.name} has decided {collision.id} before; an appeal is decided by somebody else."]
    return []


def _deciders(collision: Collision, history: History, book: Book) -> set[str]:
    names = {made.actor.name for made in history.before}
    filing = book.by_ref.get(collision.registration)
    decided = filing.standing.decided if filing else None
    return names | ({decided.actor.name} if decided is not None and is_person(decided.actor) else set())


def appeal_refusals(collision: Collision, made: Decision, book: Book) -> list[str]:
    """Why a collision cannot be appealed: nothing is decided, it was appealed, or it is too late."""
    history, days = history_of(collision, book), book.policy.disputes.appeal_days
    if history.appeal is not None:
        return [f"{collision.id} was appealed on {day(history.appeal.at)}; there is one appeal."]
    if collision.winner is None:
        return [f"{collision.id} is not decided yet; `syncd rule` decides it."]
    if not made.reason.strip():
        return ["Say with --reason what the appeal rests on."]
    if not days:
        return ["The policy knows no appeal (disputes.appeal_days is 0)."]
    decided = decided_at(collision, history, book)
    filing = book.by_ref[collision.registration]
    last = calendar_of(book.policy, filing.partner).days_after(decided, days)
    if made.at >= last:
        return [
            f"{collision.id} was decided on {day(decided)}; the time to appeal ended at {last:%H:%M} on {day(last)}."
        ]
    return []


def decided_at(collision: Collision, history: History, book: Book) -> datetime:
    """When a collision was decided: by the last ruling, else by what stands about its registration."""
    if history.rulings:
        return history.rulings[-1].at
    decided = book.by_ref[collision.registration].standing.decided
    return decided.at if decided is not None else book.now


@dataclass(frozen=True, slots=True)
class Dispute:
    """A collision that waits for people: since when, for whom, on which step, and until when."""

    collision: Collision
    state: str
    opened_at: datetime
    level: str
    due_at: datetime | None
    seat: Seat
    overdue: bool


def dispute(
    collision: Collision, filing: Filing, policy: Policy, managers: Mapping[str, User], now: datetime,
    history: History,
) -> Dispute:  # fmt: skip
    """How one open or appealed collision stands. The ladder counts business days from its opening, or the appeal."""
    opened = history.appeal.at if history.appeal is not None else filing.ready_at
    calendar = calendar_of(policy, filing.partner)
    steps = [(step.level, calendar.days_after(opened, step.days)) for step in policy.disputes.ladder]
    level, due = next(((name, end) for name, end in steps if now < end), steps[-1] if steps else ("", None))
    due = due or review_due(filing, policy, opened)
    return Dispute(
        collision=collision,
        state=history.state(collision.winner),
        opened_at=opened,
        level=level,
        due_at=due,
        seat=seat(filing.partner, policy, managers, now),
        overdue=due is not None and now >= due,
    )


def review_due(filing: Filing, policy: Policy, since: datetime) -> datetime | None:
    """Until when a person should have decided what waits since then; None when the policy runs no clock."""
    hours = policy.review.within_hours
    return calendar_of(policy, filing.partner).after(since, timedelta(hours=hours)) if hours else None


@dataclass(frozen=True, slots=True)
class Metrics:
    """How disputes went: pairs of partners' claims decided, how many for the first to file, overturned, how fast."""

    ruled: int
    first_sustained: int
    appealed: int
    overturned: int
    median_hours: float | None

    @property
    def sustained_percent(self) -> float | None:
        """The share of partners' collisions in which the first to file stood."""
        return round(100 * self.first_sustained / self.ruled, 1) if self.ruled else None


def metrics(
    collisions: Iterable[Collision], decisions: Iterable[Decision], received: Mapping[Ref, datetime | None]
) -> Metrics:
    """Count over the collisions of two partners that are decided, and over the rulings and appeals of people.

    `received` is when each registration was: time to a ruling counts from the filing of the second claim.
    """
    said = histories(decisions)
    pairs = {(c.registration, c.other): c for c in collisions if c.code in _PARTNERS and c.winner is not None}
    hours = sorted(h for pair in pairs if pair in said for h in _hours(said[pair], received.get(pair[0])))
    return Metrics(
        ruled=len(pairs),
        first_sustained=sum(met.winner == met.other for met in pairs.values()),
        appealed=sum(history.appeal is not None for history in said.values()),
        overturned=sum(map(_overturned, said.values())),
        median_hours=round(hours[len(hours) // 2], 1) if hours else None,
    )


_PARTNERS = (Code.C03, Code.C06, Code.C07)


def _overturned(history: History) -> bool:
    """Did the ruling on the appeal name another winner than the one that stood, by a rule or a person?"""
    if history.appeal is None or not history.after:
        return False
    stood = history.appeal.evidence.get("stood") or (history.before[-1].other if history.before else None)
    return stood is not None and str(stood) != str(history.after[-1].other)


def _hours(history: History, since: datetime | None) -> list[float]:
    """From the filing to the first ruling, where both are known."""
    return [(history.rulings[0].at - since).total_seconds() / 3600] if history.rulings and since else []
