"""A partner asks beforehand whether a deal could be registered, and learns yes, no or pending and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from syncd.model import (
    Actor,
    Application,
    ClaimGroup,
    Decision,
    DecisionKind,
    FiledCompany,
    Ref,
    Registration,
    RegistrationState,
)
from syncd.policy.decide import decide
from syncd.policy.schema import Policy, version_of
from syncd.policy.words import PRECHECKS

DAY = timedelta(days=1)


class Answer(StrEnum):
    """What a partner may learn about the pipeline (DESIGN 5.13)."""

    YES = "yes"
    NO = "no"
    PENDING = "pending"

    @property
    def words(self) -> str:
        """What the partner reads; it depends on nothing but the answer."""
        return PRECHECKS[self.value]


@dataclass(frozen=True, slots=True)
class Prechecked:
    """An answer, and for the log, which no partner reads, where a registration would have stood and why."""

    answer: Answer
    application: Application
    reason: str


def precheck(
    group: ClaimGroup, asked: Registration, company: FiledCompany, policy: Policy, now: datetime
) -> Prechecked:
    """Where a registration that was filed at `now` would stand, were its form complete and every stream read.

    The form itself is not asked for, so the rules about it are left out. A refusal and a place in the line read the
    same, so that nobody learns whether a direct deal or another partner stands in the way.
    """
    filed = replace(asked, submitted_at=now, created_at=now, modified_at=now)
    wait = policy.tie_window + timedelta(seconds=group.clock_error.get(asked.ref.connection, 0.0))
    passes = tuple(_passes(asked.ref, rule, policy, now) for rule in _FORM)
    tried = replace(
        group,
        registrations=(*group.registrations, filed),
        companies={**group.companies, filed.ref: company},
        decisions=(*group.decisions, *passes),
        horizon=now + wait if group.horizon is not None else None,
    )
    stands = next(state for state in decide(tried, policy, now + wait).states if state.ref == filed.ref)
    return Prechecked(_answer(stands), stands.application, stands.reason)


_FORM = ("fields_complete", "proof_given", "first_contact_recent", "value_enough", "time_left", "not_speculative")
"""What a form says, and a question does not."""


def _answer(state: RegistrationState) -> Answer:
    if state.application is Application.APPROVED:
        return Answer.YES
    if state.application in (Application.REJECTED, Application.WAITING):
        return Answer.NO
    return Answer.PENDING


def _passes(ref: Ref, rule: str, policy: Policy, now: datetime) -> Decision:
    return Decision(
        kind=DecisionKind.EXEMPTED, subject=ref, actor=Actor.rule("precheck"), at=now, effective_at=now,
        policy_version=version_of(policy), rule="precheck", evidence={"rule": rule},
    )  # fmt: skip


def refused_until(asked: Iterable[datetime], policy: Policy, now: datetime) -> datetime | None:
    """When a partner that asked at these instants may ask again; None when it may now."""
    most = policy.precheck.per_day
    lately = sorted(at for at in asked if at > now - DAY)
    return lately[-most] + DAY if len(lately) >= most > 0 else None


def answer_at(began: datetime, now: datetime, policy: Policy) -> datetime:
    """When to answer what was asked at `began`: after the time of the policy, or the next multiple of it."""
    step = policy.precheck.answer_after
    return began + max(-((began - now) // step), 1) * step
