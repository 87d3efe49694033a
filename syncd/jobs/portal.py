"""What portals ask for: how the filings of one partner stand, in its own words, and what people are to be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from syncd.errors import UserError
from syncd.jobs.decide import shared_facts
from syncd.jobs.work import Work
from syncd.model import Application, Decision, DecisionKind, Protection, Ref, RegistrationState, WriteGroup
from syncd.policy.answers import Status, status_for_partner
from syncd.policy.desk import seat
from syncd.policy.reminders import SAID, Notice, notices
from syncd.policy.words import Audience, shown_to_partner
from syncd.store import decisions, outcomes


def statuses(work: Work, tx: sa.Connection, key: str) -> list[Status]:
    """How everything stands that one partner filed or took over, oldest first. Raises UserError for an unknown key."""
    partners = shared_facts(work, tx).partners
    if key not in partners:
        raise UserError(f"There is no partner {key}. `syncd partners` lists their keys.")
    claims = outcomes.claims(tx)
    beside: dict[int, list[RegistrationState]] = {}
    for item in claims:
        beside.setdefault(item.organization, []).append(item.state)
    passed_on = _first_partners(tx)
    mine = [item for item in claims if key in (item.state.partner_id, *passed_on.get(item.state.ref, ()))]
    said = _about(tx, [item.state.ref for item in mine])
    wanted = outcomes.get_wanted(tx, [item.state.ref for item in mine])
    found = []
    for item in mine:
        state, about = item.state, said.get(item.state.ref, [])
        shown, _ = wanted.get((state.ref, WriteGroup.STAMP), ({}, {}))
        if state.application is Application.DRAFT:
            continue
        if key == state.partner_id and state.ref in passed_on:
            shown = _taken_over(state, shown)
        rest = [other for other in beside[item.organization] if other.ref != state.ref]
        found.append(status_for_partner(state, rest, shown, about, partners[key], work.policy, work.clock.now()))
    return found


def _about(tx: sa.Connection, refs: Sequence[Ref]) -> dict[Ref, list[Decision]]:
    found: dict[Ref, list[Decision]] = {}
    for made in decisions.about(tx, refs):
        found.setdefault(made.subject, []).append(made)
    return found


def _first_partners(tx: sa.Connection) -> dict[Ref, list[str]]:
    """Of each filing that was passed on, who held it before."""
    found: dict[Ref, list[str]] = {}
    for made in decisions.everything(tx, [DecisionKind.TRANSFERRED]):
        if "from" in made.evidence:
            found.setdefault(made.subject, []).append(str(made.evidence["from"]))
    return found


def _taken_over(state: RegistrationState, shown: Mapping[str, Any]) -> dict[str, Any]:
    """Its record is the first partner's and tells it that it was passed on; whoever took it over reads how it is."""
    over = state.protection is Protection.EXPIRED
    status = "expired" if over else state.application.value
    return {**shown, "status": status, "reason": shown_to_partner(state.reason), "until": state.until}


@dataclass(frozen=True, slots=True)
class ToTell:
    """One notice with whom it is for: the key of a partner, or who is asked for that partner now."""

    number: str
    notice: Notice
    to: str
    why: str


def to_tell(work: Work, tx: sa.Connection, since: datetime) -> list[ToTell]:
    """What was due since then and is still true, oldest first; the sender remembers what it has sent."""
    shared, now = shared_facts(work, tx), work.clock.now()
    said = decisions.everything(tx, SAID, since)
    states = {item.state.ref: item.state for item in outcomes.claims(tx)}
    found = []
    for notice in notices(said, states.values(), now):
        state = states[notice.ref]
        partner = shared.partners.get(state.partner_id or "")
        asked = seat(partner, work.policy, shared.managers, now, late=notice.step)
        to_partner = notice.audience is Audience.PARTNER
        to = (state.partner_id or "") if to_partner else asked.email or "every admin"
        found.append(ToTell(state.number, notice, to, "" if to_partner else asked.why))
    return found
