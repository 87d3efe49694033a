"""Decisions as facts: recorded once with their evidence, never changed, each with its entry in the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from syncd.model import Actor, Decision, DecisionKind, Judgement, Ref
from syncd.store import counters, ledger
from syncd.store.tables import decision as table
from syncd.store.tables import dirty, member

JUDGEMENTS = {DecisionKind.SAME, DecisionKind.DIFFERENT, DecisionKind.UNSURE}


def record(tx: sa.Connection, decisions: Sequence[Decision], run: str | None) -> list[ledger.Entry]:
    """Record decisions; one that the same rule has recorded before is left alone.

    Returns the ledger entries of those that are new, to be appended at the end of the transaction.
    """
    known = _recorded_by_rules(tx, {made.subject for made in decisions})
    fresh = [made for made in decisions if made.actor.kind != "rule" or _once(made) not in known]
    if not fresh:
        return []
    statement = table.insert().returning(table.c.seq, sort_by_parameter_order=True)
    numbers = tx.execute(statement, [_values(made, run) for made in fresh]).scalars().all()
    return [
        ledger.Entry("decision", {"decision": seq, **_body(made, run)}, _personal(made))
        for seq, made in zip(numbers, fresh, strict=True)
    ]


def _personal(made: Decision) -> tuple[str, ...]:
    """What a person wrote, or asked for beforehand, may name somebody; the reason of a rule is a code."""
    return ("reason",) if made.rule in ("person", "precheck") else ()


def _once(made: Decision) -> tuple[Any, ...]:
    return (*made.subject, made.kind.value, made.rule, made.effective_at)


def _recorded_by_rules(tx: sa.Connection, subjects: set[Ref]) -> set[tuple[Any, ...]]:
    return {_once(made) for made in about(tx, subjects) if made.actor.kind == "rule"}


def _values(made: Decision, run: str | None) -> dict[str, Any]:
    other = made.other or (None, None, None)
    return {
        "kind": made.kind.value,
        "connection": made.subject.connection,
        "object": made.subject.object,
        "id": made.subject.id,
        "other_connection": other[0],
        "other_object": other[1],
        "other_id": other[2],
        "actor": str(made.actor),
        "at": made.at,
        "effective_at": made.effective_at,
        "policy": made.policy_version,
        "rule": made.rule,
        "reason": made.reason,
        "evidence": dict(made.evidence),
        "run": run,
    }


def _body(made: Decision, run: str | None) -> dict[str, Any]:
    return {
        "what": made.kind.value,
        "subject": str(made.subject),
        "other": str(made.other) if made.other else None,
        "actor": str(made.actor),
        "effective_at": made.effective_at.isoformat(),
        "policy": made.policy_version,
        "rule": made.rule,
        "reason": made.reason,
        "evidence": dict(made.evidence),
        "run": run,
    }


def about(tx: sa.Connection, subjects: Iterable[Ref]) -> list[Decision]:
    """Every decision about these records, oldest first."""
    wanted = set(subjects)
    rows: list[Decision] = []
    by_object: dict[tuple[str, str], list[str]] = {}
    for ref in wanted:
        by_object.setdefault((ref.connection, ref.object), []).append(ref.id)
    for (connection, object), ids in by_object.items():
        query = sa.select(table).where(table.c.connection == connection, table.c.object == object, table.c.id.in_(ids))
        rows += map(_decision, tx.execute(query))
    return sorted(rows, key=lambda d: d.seq or 0)


def everything(
    tx: sa.Connection, kinds: Iterable[DecisionKind] | None = None, since: datetime | None = None
) -> list[Decision]:
    """Every decision (of these kinds, in effect from after `since`), oldest first."""
    query = sa.select(table).order_by(table.c.seq)
    if since is not None:
        query = query.where(table.c.effective_at > since)
    if kinds is not None:
        query = query.where(table.c.kind.in_([k.value for k in kinds]))
    return [_decision(row) for row in tx.execute(query)]


def about_object(tx: sa.Connection, connection: str, object: str) -> list[Decision]:
    """Every decision about records of one object, oldest first; for the few that syncd has of its own."""
    query = sa.select(table).where(table.c.connection == connection, table.c.object == object).order_by(table.c.seq)
    return [_decision(row) for row in tx.execute(query)]


def made_since(tx: sa.Connection, subject: Ref, kind: DecisionKind, since: datetime) -> list[datetime]:
    """When decisions of one kind about one subject were made, after an instant, oldest first."""
    query = sa.select(table.c.at).where(
        table.c.connection == subject.connection, table.c.object == subject.object, table.c.id == subject.id,
        table.c.kind == kind.value, table.c.at > since,
    )  # fmt: skip
    return sorted(tx.execute(query).scalars())


def last_judgement(tx: sa.Connection) -> int:
    """The number of the newest judgement of a person, 0 when there is none."""
    query = sa.select(sa.func.max(table.c.seq)).where(table.c.kind.in_([kind.value for kind in JUDGEMENTS]))
    return int(tx.execute(query).scalar() or 0)


def judgements(tx: sa.Connection, aliases: Mapping[Ref, Ref]) -> dict[tuple[Ref, Ref], Judgement]:
    """What people said about pairs of records, each pair in sorted order; the newest word on a pair stands.

    What was said about a record that was merged holds for the surviving one.
    """
    said = {}
    for made in everything(tx, JUDGEMENTS):
        if made.other is not None:
            first, second = sorted((aliases.get(made.subject, made.subject), aliases.get(made.other, made.other)))
            if first != second:
                said[first, second] = Judgement(made.kind.value)
    return said


def _decision(row: sa.Row[Any]) -> Decision:
    other = Ref(row.other_connection, row.other_object, row.other_id) if row.other_id is not None else None
    return Decision(
        kind=DecisionKind(row.kind),
        subject=Ref(row.connection, row.object, row.id),
        actor=Actor.parse(row.actor),
        at=row.at,
        effective_at=row.effective_at,
        policy_version=row.policy,
        rule=row.rule,
        reason=row.reason,
        other=other,
        evidence=row.evidence,
        seq=row.seq,
    )


def by_person(tx: sa.Connection, made: Decision, company: Ref | None, at: datetime, key: bytes | None) -> None:
    """Record a person's decision beside a running daemon, and mark what it touches to be decided again."""
    alone(tx)
    entries = record(tx, [made], None)
    touched = [ref for ref in (company, made.subject, made.other) if ref is not None]
    for ref in touched:
        query = sa.select(member.c.organization).where(
            member.c.connection == ref.connection, member.c.object == ref.object, member.c.id == ref.id
        )
        numbers = [{"organization": row[0]} for row in tx.execute(query)]
        counters.add_missing(tx, dirty, numbers)
    ledger.append(tx, at, entries, key)


def alone(tx: sa.Connection) -> None:
    """Let nobody else decide until this transaction ends: what it has read about its claims is all there is.

    Every decision ends in the ledger, so that its counter is what everybody who decides can wait for.
    """
    counters.hold(tx, "ledger")
