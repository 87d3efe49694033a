"""Disputes as they stand now, computed from what is recorded: who is asked, by when, and how they went."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from syncd.jobs.decide import gather, shared_facts
from syncd.jobs.work import Work
from syncd.model import Collision, DecisionKind
from syncd.policy.book import Book
from syncd.policy.disputes import APPEALED, OPEN, Dispute, dispute, history_of, metrics
from syncd.store import decisions, outcomes


def waiting(work: Work, tx: sa.Connection) -> list[Dispute]:
    """The open and appealed collisions, what is overdue first, then what is due first."""
    shared, now = shared_facts(work, tx), work.clock.now()
    homes = {item.state.ref: item.organization for item in outcomes.claims(tx)}
    listed = [c for c in outcomes.collisions(tx) if c.state in (OPEN, APPEALED) and c.registration in homes]
    groups = gather(work, tx, shared, sorted({homes[c.registration] for c in listed})) if listed else {}
    books = {number: Book(group, work.policy, now) for number, group in groups.items()}
    found = [_dispute(c, books[homes[c.registration]]) for c in listed]
    return sorted(found, key=lambda d: (not d.overdue, d.due_at or _LAST, d.opened_at, d.collision.id))


_LAST = datetime.max.replace(tzinfo=UTC)


def _dispute(collision: Collision, book: Book) -> Dispute:
    filing = book.by_ref[collision.registration]
    history = history_of(collision, book)
    return dispute(collision, filing, book.policy, book.group.managers, book.now, history)


def measured(work: Work, tx: sa.Connection) -> dict[str, Any]:
    """How disputes went, in numbers."""
    said = decisions.everything(tx, [DecisionKind.RULED, DecisionKind.APPEALED])
    received = {item.state.ref: item.state.received_at for item in outcomes.claims(tx)}
    counted = metrics(outcomes.collisions(tx), said, received)
    return {
        "partner_collisions_decided": counted.ruled,
        "first_to_file_sustained": counted.first_sustained,
        "sustained_percent": counted.sustained_percent,
        "appealed": counted.appealed,
        "overturned": counted.overturned,
        "median_hours_to_ruling": counted.median_hours,
    }
