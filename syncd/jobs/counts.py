"""How a partner's registrations have gone so far: counted once for each new one, when it is first seen."""

from __future__ import annotations

import sqlalchemy as sa

from syncd.jobs.work import Work
from syncd.model import Application, Opportunity, Protection, Ref
from syncd.store import outcomes, records

_LIVE = (Application.PENDING, Application.REVIEW, Application.WAITING)
_IN_FORCE = (Protection.ACTIVE, Protection.SUSPENDED)


def partner_counts(work: Work, tx: sa.Connection) -> dict[str | None, dict[str, int]]:
    """By key of the partner: how many are `live`, how many protections have `ended`, how many of these were `won`."""
    won = _won(work, tx)
    counted: dict[str | None, dict[str, int]] = {}
    for item in outcomes.claims(tx):
        state = item.state
        counts = counted.setdefault(state.partner_id, {"live": 0, "ended": 0, "won": 0})
        counts["live"] += state.application in _LIVE or state.protection in _IN_FORCE
        if state.protection is Protection.EXPIRED:
            counts["ended"] += 1
            counts["won"] += state.ref in won
    return counted


def _won(work: Work, tx: sa.Connection) -> set[Ref]:
    """The registrations whose own deal in the direct CRM was won."""
    owners = {
        ref: Ref.parse(because["own_deal_of"])
        for ref, _, _, because in outcomes.every_wanted(tx)
        if "own_deal_of" in because
    }
    found = set()
    for ref, row in records.get(tx, sorted(owners)).items():
        mapped = work.canonical(row)
        if mapped is not None and isinstance(mapped.record, Opportunity) and mapped.record.is_won:
            found.add(owners[ref])
    return found
