"""What people do with a registration beside approving and rejecting it: the checks, and what is written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from syncd.model import Application, Decision, DecisionKind, Ref, RegistrationState
from syncd.policy.book import Book, Filing
from syncd.policy.explain import day, partner_of
from syncd.policy.extensions import open_request
from syncd.policy.scope import meets
from syncd.policy.standing import Grant, instant

EXEMPTABLE: dict[str, str] = {
    "partner_active": "the partner is active",
    "fields_complete": "every required field is filled in",
    "proof_given": "the relationship is proved",
    "first_contact_recent": "the first contact is recent",
    "value_enough": "the deal is worth enough",
    "time_left": "the deal does not close too soon",
    "unpublished": "the tender was not published before the approval (C37)",
    "family_whole": "the group of companies is small enough to be decided about as one",
    "cooled_down": "the same partner waits after its protection has ended",
    "not_speculative": "the filing does not look speculative",
    "not_named": "the company is no named account (C17)",
    "not_house": "the company is no house account (C18)",
    "incumbent_keeps": "a renewal belongs to the partner who sold it last (C15)",
    "new_logo": "the company is no customer (C14)",
    "filed_once": "the partner has not filed it before (C01)",
    "own_source": "the vendor did not pass the company to a partner as a lead (C44)",
    "direct_first": "the direct team was not there first (C08)",
    "loss_cooled_down": "no direct deal was lost just before (C13)",
    "direct_contact": "the direct team has had no contact just before (C11)",
    "few_records": "the filing would not mark too many records",
    "value_kept": "the value has not moved beyond what the policy tolerates",
    "extension_limit": "a protection is prolonged only so often",
}
"""What a person can let one registration pass, in words."""


States = Mapping[Ref, RegistrationState]


@dataclass(frozen=True, slots=True)
class Act:
    """What is checked, and the evidence that is written down with it."""

    kind: DecisionKind
    source_too: bool
    check: Callable[[Filing, States, Decision, Book], list[str]]


def extended(filing: Filing, at: datetime, days: int | None, asked_at: datetime | None, book: Book) -> dict[str, Any]:
    """The evidence of an extension: the end moves by so many days from where it was promised."""
    held = filing.standing.grant
    length = days or filing.policy.extension.days
    end = held.until if held is not None else at
    asked = asked_at or _asked(filing) or at
    return {
        "asked_at": asked.isoformat(),
        "days": length,
        "before": end.isoformat(),
        "until": (end + timedelta(days=length)).isoformat(),
    }


def _asked(filing: Filing) -> datetime | None:
    """When the partner asked for what nobody has answered yet."""
    held = filing.standing.grant
    request = open_request(filing.decisions, held) if held is not None else None
    return request.effective_at if request is not None else None


def reinstated(filing: Filing, at: datetime, days: int | None, book: Book) -> dict[str, Any]:
    """The evidence of a reinstatement: what is over begins anew at `at`; a suspension keeps its end."""
    held = filing.standing.grant
    if held is not None and not held.over(at):
        return {"until": held.end.isoformat()}
    length = days or filing.policy.extension.days
    return {"until": (at + timedelta(days=length)).isoformat(), "days": length}


def check_act(made: Decision, filing: Filing, states: States, book: Book, recorded: Filing | None) -> list[str]:
    """Why a person's act cannot be recorded; an empty list when it can. `recorded` is the filing without what the
    rules would only now decide."""
    act = ACTS[made.kind]
    held = filing.standing.grant
    lifting = made.kind is DecisionKind.REINSTATED and held is not None and held.suspended is not None
    if filing.source_decides and not (act.source_too or lifting):
        return [source_refusal(filing.number, made.kind)]
    refused = act.check(filing, states, made, book)
    if not refused and recorded is not None and act.check is not _exempting and _moved(filing, recorded):
        return [
            f"{filing.number} has changed by itself since the last cycle. Run `syncd sync`, look again, then decide."
        ]
    return refused


def source_refusal(number: str, kind: DecisionKind) -> str:
    """Where the source decides, what to change there instead (docs/rulings.md 2)."""
    fields = " and ".join(f"`{name}`" for name in fields_in_source(kind))
    return f"The partner portal decides about {number}: change the field mapped to {fields} there, and syncd follows."


def fields_in_source(kind: DecisionKind) -> tuple[str, ...]:
    """The fields of a registration that say in the source what a person wants to say here."""
    return _IN_SOURCE.get(kind, ("status",))


_IN_SOURCE = {
    DecisionKind.EXTENDED: ("protected_until",),
    DecisionKind.DENIED: ("protected_until",),
    DecisionKind.TRANSFERRED: ("partner_id",),
    DecisionKind.REINSTATED: ("status", "protected_until"),
}


def _moved(filing: Filing, recorded: Filing) -> bool:
    mine, theirs = filing.standing.grant, recorded.standing.grant
    return (mine.end if mine else None) != (theirs.end if theirs else None)


def _returning(filing: Filing, states: States, made: Decision, book: Book) -> list[str]:
    if not made.reason.strip():
        return ["Say with --reason what you ask the partner."]
    if states[filing.ref].application in (Application.PENDING, Application.REVIEW, Application.WAITING):
        if not filing.standing.approved:
            return []
        return [f"{filing.number} is approved and waits for the end of another protection; reject it instead."]
    return [f"{filing.number} is {_STANDS[states[filing.ref].application]}; only what is undecided can be returned."]


def _withdrawing(filing: Filing, states: States, made: Decision, book: Book) -> list[str]:
    held = filing.standing.grant
    if states[filing.ref].application in (
        Application.DRAFT,
        Application.WITHDRAWN,
        Application.REJECTED,
        Application.OUTSIDE,
    ):
        return [f"{filing.number} is {_STANDS[states[filing.ref].application]}; there is nothing to withdraw."]
    if held is not None and held.over(made.effective_at):
        return [f"The protection of {filing.number} ended on {day(held.end)}; there is nothing to withdraw."]
    return []


def _ending(filing: Filing, states: States, made: Decision, book: Book) -> list[str]:
    held = filing.standing.grant
    if held is None:
        return [f"{filing.number} has no protection; `syncd reject` or `syncd withdraw` is for what has none."]
    if held.over(made.effective_at):
        return [f"The protection of {filing.number} ended on {day(held.end)} already."]
    return [] if made.reason.strip() else ["Say with --reason why: both sides will ask, and so will an auditor."]


def _suspending(filing: Filing, states: States, made: Decision, book: Book) -> list[str]:
    held = filing.standing.grant
    if held is None or held.over(made.effective_at):
        return [f"{filing.number} has no protection in force that could be suspended."]
    return [f"{filing.number} is suspended already."] if held.suspended is not None else []


def _extending(filing: Filing, states: States, made: Decision, book: Book) -> list[str]:
    held, terms, number = filing.standing.grant, filing.policy.extension, filing.number
    if held is None:
        return [f"{number} has no protection to prolong."]
    if held.cut is not None:
        return [f"The protection of {number} was ended before its time; `syncd reinstate` is for that."]
    asked = instant(made.evidence["asked_at"])
    if asked > made.at:
        return [f"It cannot have been asked for on {day(asked)}, which is still to come."]
    if asked >= held.end:
        return [
            f"The protection of {number} ended on {day(held.end)}, before it was asked for. Within "
            f"{terms.grace_days} days of its end `syncd reinstate` can bring it back."
        ]
    if made.at >= held.end + timedelta(days=terms.grace_days):
        return [f"It was asked for in time, but the {terms.grace_days} days of grace after its end are over."]
    if held.extensions >= terms.most and not filing.exempt("extension_limit"):
        return [
            f"{number} was prolonged {held.extensions} times, and the policy allows {terms.most} (extension.most). "
            f"`syncd exempt {number} --from extension_limit` lets it pass."
        ]
    return _others_wait(filing, states, book) + _in_the_way(filing, held, made.effective_at, book)


def _denying(filing: Filing, states: States, made: Decision, book: Book) -> list[str]:
    if _asked(filing) is None:
        return [f"Nobody waits for an answer about an extension of {filing.number}."]
    return [] if made.reason.strip() else ["Say with --reason why; the partner will ask."]


def _others_wait(filing: Filing, states: States, book: Book) -> list[str]:
    if filing.policy.extension.while_others_wait:
        return []
    waiting = [f for f in book.filings if states[f.ref].behind == filing.ref]
    if not waiting:
        return []
    first = waiting[0]
    return [f"{partner_of(first)} waits behind it ({first.number}), and the policy lets nobody wait longer."]


def _in_the_way(filing: Filing, held: Grant, at: datetime, book: Book) -> list[str]:
    return [
        f"{partner_of(other)} has held the same products since {day(g.since)} ({other.number}), until {day(g.end)}."
        for other, g in book.grants(filing)
        if g.end > at and meets(g.products, held.products)
    ]


def _reinstating(filing: Filing, states: States, made: Decision, book: Book) -> list[str]:
    held, terms, at = filing.standing.grant, filing.policy.extension, made.effective_at
    if held is None:
        return [f"{filing.number} had no protection; `syncd approve` is for that."]
    if not held.over(at):
        return [] if held.suspended is not None else [f"{filing.number} is protected until {day(held.end)} already."]
    if filing.standing.rejected or filing.withdrawn:
        return [
            f"{filing.number} is {_STANDS[states[filing.ref].application]}; approve it or let the partner file again."
        ]
    if at >= held.end + timedelta(days=terms.grace_days):
        return [
            f"The protection of {filing.number} ended on {day(held.end)}, more than {terms.grace_days} days ago "
            "(extension.grace_days); the partner has to file again."
        ]
    return _in_the_way(filing, held, at, book)


def _transferring(filing: Filing, states: States, made: Decision, book: Book) -> list[str]:
    key = str(made.evidence["to"])
    target, held = book.group.partners.get(key), filing.standing.grant
    if target is None:
        return [f"There is no partner {key}; `syncd partners` lists their keys."]
    if key == filing.registration.partner_id:
        return [f"{filing.number} belongs to {target.name} already."]
    if target.status.strip().casefold() != "active":
        return [f"{target.name} is {target.status}, and can take over nothing."]
    if held is None or held.over(made.effective_at):
        return [f"{filing.number} has no protection in force that could be passed on."]
    return [] if made.reason.strip() else ["Say with --reason why it is passed on."]


def _exempting(filing: Filing, states: States, made: Decision, book: Book) -> list[str]:
    rule = str(made.evidence["rule"])
    if rule not in EXEMPTABLE:
        return [f"There is no rule {rule} to be exempt from. Known: {', '.join(EXEMPTABLE)}."]
    if filing.exempt(rule):
        return [f"{filing.number} is exempt from {rule} already."]
    if states[filing.ref].application in (Application.DRAFT, Application.WITHDRAWN):
        return [f"{filing.number} is {_STANDS[states[filing.ref].application]}; there is nothing to be exempt from."]
    if filing.standing.rejected and filing.standing.decided and filing.standing.decided.actor.kind != "rule":
        return [f"{filing.number} was rejected by {filing.standing.decided.actor.name}; approve it instead."]
    return [] if made.reason.strip() else ["Say with --reason why: an exception without one helps nobody later."]


_STANDS = {
    Application.DRAFT: "a draft",
    Application.PENDING: "pending",
    Application.REVIEW: "in review",
    Application.WAITING: "waiting",
    Application.RETURNED: "with the partner already",
    Application.APPROVED: "approved",
    Application.REJECTED: "rejected",
    Application.WITHDRAWN: "withdrawn",
    Application.OUTSIDE: "from before go-live",
}

ACTS: dict[DecisionKind, Act] = {
    act.kind: act
    for act in (
        Act(DecisionKind.RETURNED, False, _returning),
        Act(DecisionKind.WITHDRAWN, False, _withdrawing),
        Act(DecisionKind.REVOKED, False, _ending),
        Act(DecisionKind.RELEASED, False, _ending),
        Act(DecisionKind.SUSPENDED, True, _suspending),
        Act(DecisionKind.EXTENDED, False, _extending),
        Act(DecisionKind.DENIED, False, _denying),
        Act(DecisionKind.REINSTATED, False, _reinstating),
        Act(DecisionKind.TRANSFERRED, False, _transferring),
        Act(DecisionKind.EXEMPTED, True, _exempting),
    )
}
"""Every act that a person can do to one registration, beside approving, rejecting and ruling."""
