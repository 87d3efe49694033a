"""Why: everything that is known about one record, and the rules and facts it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from syncd.errors import UserError
from syncd.jobs.moved import Moved
from syncd.jobs.reasons import because_in_words, details_of
from syncd.jobs.work import Work
from syncd.model import Account, CanonicalRecord, Decision, DecisionKind, Link, Opportunity, Partner, Ref, Stream
from syncd.store import decisions, graph, outbox, outcomes, records


def find(work: Work, tx: sa.Connection, text: str) -> list[Ref]:
    """The records that `text` may mean: a ref, a native id, a registration number, or a part of a company's name."""
    if text.count("/") >= 2:
        return [Ref.parse(text)]
    if len(text.strip()) < 2:
        raise UserError("Give at least two characters of an id, a number or a name.")
    by_id = records.find_id(tx, text) or [item.state.ref for item in outcomes.find_claims(tx, text)]
    if by_id:
        return by_id
    wanted = text.casefold()
    return [
        row.ref
        for stream in (Stream.ACCOUNTS, Stream.OPPORTUNITIES, Stream.REGISTRATIONS)
        for row in records.of_stream(tx, stream)
        if wanted in name_of(work, row.ref, row.stream, row.fields).casefold()
    ]


def name_of(work: Work, ref: Ref, stream: str, fields: Mapping[str, Any]) -> str:
    """What people call a record; its id where it has no name."""
    mapping = work.mapping_of(ref, stream)
    record = mapping.to_canonical(ref, dict(fields)).record if mapping else None
    return _name(record) or ref.id


def _name(record: CanonicalRecord | None) -> str | None:
    if isinstance(record, Account | Opportunity | Partner):
        return record.name
    return None


def why(work: Work, tx: sa.Connection, text: str) -> dict[str, Any]:
    """The story of one record as plain JSON. Raises UserError when `text` names none, or several."""
    refs = find(work, tx, text)
    if not refs:
        raise UserError(f"Nothing here is called {text}. Give an id, a registration number or a part of a name.")
    if len(refs) > 1:
        known = records.get(tx, refs[:20])
        lines = [f"  {ref}  {name_of(work, ref, row.stream, row.fields)}" for ref, row in known.items()]
        raise UserError(f"{text} may mean {len(refs)} records; give one of these:\n" + "\n".join(lines))
    ref = records.aliases(tx).get(refs[0], refs[0])
    return _story(work, tx, ref)


def _story(work: Work, tx: sa.Connection, ref: Ref) -> dict[str, Any]:
    row = records.get(tx, [ref]).get(ref)
    if row is None:
        raise UserError(f"{ref} was never read.")
    numbers = graph.organizations_of(tx, [ref]) or _organizations_of_parent(tx, ref)
    claimed = [item for number in sorted(numbers) for item in outcomes.claims(tx, number)]
    met = [item for number in sorted(numbers) for item in outcomes.collisions(tx, number)]
    details = details_of(claimed)
    about = {item.state.ref for item in claimed} if row.stream != Stream.REGISTRATIONS else {ref}
    company, moved = _account_of(tx, ref), Moved.of(records.aliases(tx))
    return {
        "ref": str(ref),
        "name": name_of(work, ref, row.stream, row.fields),
        "stream": row.stream,
        "deleted": row.deleted,
        "last_changed": row.stamp,
        "shows": row.shown,
        "problems": [dict(p) for p in graph.get_staged(tx, [ref]).get(ref, _NOTHING).problems],
        "links": [_link(work, tx, item) for item in graph.links_of(tx, [company] if company else [ref])],
        "organization": [str(member) for number in sorted(numbers) for member in graph.members_of(tx, number)],
        "registrations": [
            _claim(item.state) for item in claimed if row.stream != "registrations" or item.state.ref in about
        ],
        "collisions": [_collision(item) for item in met if _concerns(item, ref, row.stream)],
        "decisions": [
            _decision(made)
            for made in map(moved.decision, decisions.about(tx, {*about, ref, *moved.olds({*about, ref})}))
            if made.subject in about or made.kind is DecisionKind.OVERRIDDEN
        ],
        "wanted": {
            group.value: {"values": values, "because": because, "in_words": because_in_words(because, details)}
            for (_, group), (values, because) in outcomes.get_wanted(tx, [ref]).items()
        },
        "writes": [_write(item) for item in [w for items in outbox.of_records(tx, [ref]).values() for w in items]],
    }


class _Nothing:
    problems: Sequence[Mapping[str, Any]] = ()


_NOTHING = _Nothing()


def _account_of(tx: sa.Connection, ref: Ref) -> Ref | None:
    staged = graph.get_staged(tx, [ref]).get(ref)
    return staged.parent if staged is not None else None


def _organizations_of_parent(tx: sa.Connection, ref: Ref) -> set[int]:
    parent = _account_of(tx, ref)
    return graph.organizations_of(tx, [parent]) if parent else set()


def _concerns(collision: Any, ref: Ref, stream: str) -> bool:
    return stream == Stream.ACCOUNTS or ref in (collision.registration, collision.other)


def _claim(state: Any) -> dict[str, Any]:
    return {
        "number": state.number, "ref": str(state.ref), "partner": state.partner_name,
        "application": state.application.value, "protection": state.protection.value,
        "received_at": state.received_at, "since": state.since, "until": state.until,
        "in_words": state.detail,
    }  # fmt: skip


def _collision(item: Any) -> dict[str, Any]:
    return {"id": item.id, "state": item.state, "rule": item.rule, "in_words": item.sentence, "evidence": item.evidence}


def _decision(made: Decision) -> dict[str, Any]:
    return {
        "at": made.at, "effective_at": made.effective_at, "what": made.kind.value, "subject": str(made.subject),
        "by": str(made.actor), "rule": made.rule, "reason": made.reason, "policy": made.policy_version,
        "evidence": dict(made.evidence),
    }  # fmt: skip


def _link(work: Work, tx: sa.Connection, item: Link) -> dict[str, Any]:
    known = records.get(tx, [item.left, item.right])
    names = {ref: name_of(work, ref, row.stream, row.fields) for ref, row in known.items()}
    return {
        "left": str(item.left), "left_name": names.get(item.left), "right": str(item.right),
        "right_name": names.get(item.right), "band": item.band.value, "score": round(item.score, 4),
        "judgement": item.judgement.value if item.judgement else None,
        "evidence": [{"claim": e.claim, "points": round(e.points, 2), "in_words": e.sentence} for e in item.evidence],
    }  # fmt: skip


def _write(item: Any) -> dict[str, Any]:
    return {
        "number": item.number, "group": item.intent.group.value, "state": item.state.value,
        "before": dict(item.intent.before), "after": dict(item.intent.fields), "because": dict(item.intent.because),
        "sent_at": item.sent_at, "done_at": item.done_at, "code": item.code, "message": item.message,
    }  # fmt: skip
