"""What policy made of each claim group: states of registrations, collisions, and what every record should show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa

from syncd.model import (
    STAMP_BY_NAME,
    Application,
    Code,
    Collision,
    Outcome,
    Protection,
    Ref,
    RegistrationState,
    StampType,
    Wanted,
    WriteGroup,
)
from syncd.store import graph
from syncd.store.tables import claim, collision, due, statistics, topic, wanted


@dataclass(frozen=True, slots=True)
class Claimed:
    """The state of one registration and the organization it belongs to."""

    organization: int
    state: RegistrationState


def put_outcomes(tx: sa.Connection, made: Mapping[int, Outcome]) -> list[Ref]:
    """Replace what is derived for these organizations; returns the records whose wanted content changed."""
    numbers = list(made)
    for table in (claim, collision, due, topic):
        for part in graph.chunks(numbers):
            tx.execute(table.delete().where(table.c.organization.in_(list(part))))
    states = [_claim_row(number, state) for number, outcome in made.items() for state in outcome.states]
    # a registration or a collision that came from another organization leaves its old row behind
    graph.delete_refs(tx, claim, [state.ref for outcome in made.values() for state in outcome.states])
    met = {item.id: _collision_row(number, item) for number, outcome in made.items() for item in outcome.collisions}
    for part in graph.chunks(list(met)):
        tx.execute(collision.delete().where(collision.c.id.in_(list(part))))
    dues = [{"organization": n, "at": outcome.next_due} for n, outcome in made.items() if outcome.next_due]
    about_something = {n: outcome for n, outcome in made.items() if outcome.states or outcome.wanted}
    read = [{"name": name, "organization": n} for n, item in about_something.items() for name in sorted(item.topics)]
    for table, rows in ((claim, states), (collision, list(met.values())), (due, dues), (topic, read)):
        if rows:
            tx.execute(table.insert(), rows)
    return _put_wanted(tx, numbers, [(n, item) for n, outcome in made.items() for item in outcome.wanted])


NOWHERE = 0
"""The organization of what no organization answers for."""


def claimed(tx: sa.Connection, refs: Sequence[Ref]) -> set[Ref]:
    """Those of these registrations that a group answers for."""
    return {
        Ref(*row)
        for condition in graph.in_refs(claim, refs)
        for row in tx.execute(sa.select(claim.c.connection, claim.c.object, claim.c.id).where(condition))
    }


def claimed_by(tx: sa.Connection, numbers: Iterable[int]) -> list[Ref]:
    """The registrations that these organizations answer for."""
    return sorted(
        Ref(*row)
        for part in graph.chunks(sorted(set(numbers)))
        for row in tx.execute(
            sa.select(claim.c.connection, claim.c.object, claim.c.id).where(claim.c.organization.in_(list(part)))
        )
    )


def put_alone(tx: sa.Connection, refs: Sequence[Ref], items: Iterable[Wanted]) -> list[Ref]:
    """What the records among `refs` that no group answers for should show; returns those where that is new.

    What a group wants of one is left alone, and what was wanted for one that now has a group is forgotten.
    """
    before = {key: row for key, row in _wanted_rows(tx, refs).items() if row.organization == NOWHERE}
    others = {key for key in _wanted_rows(tx, refs) if key not in before}
    new = {
        (item.ref, item.group.value): (NOWHERE, plain(_compared(item.fields)), plain(item.because))
        for item in items
        if (item.ref, item.group.value) not in others
    }
    gone = {key for key in before if key not in new}
    differing = {k: v for k, v in new.items() if k not in before or (before[k].fields, before[k].because) != v[1:]}
    _replace_wanted(tx, gone, differing)
    return sorted({ref for ref, _ in (*gone, *differing)})


def _put_wanted(tx: sa.Connection, numbers: Sequence[int], items: Sequence[tuple[int, Wanted]]) -> list[Ref]:
    """Touch only rows whose values, reasons or organization differ; for what is no longer named nothing is wanted."""
    new = {(item.ref, item.group.value): (n, plain(_compared(item.fields)), plain(item.because)) for n, item in items}
    ours: dict[tuple[Ref, str], sa.Row[Any]] = {}
    for part in graph.chunks(list(numbers)):
        for row in tx.execute(sa.select(wanted).where(wanted.c.organization.in_(list(part)))):
            ours[Ref(row.connection, row.object, row.id), row.grp] = row
    before = {**_wanted_rows(tx, [ref for ref, grp in new if (ref, grp) not in ours]), **ours}
    gone = {key: row for key, row in ours.items() if key not in new}
    differing = {
        key: value
        for key, value in new.items()
        if (old := before.get(key)) is None or (old.organization, old.fields, old.because) != value
    }
    _replace_wanted(tx, gone, differing)
    changed = [key[0] for key, value in differing.items() if (old := before.get(key)) is None or old.fields != value[1]]
    return changed + [key[0] for key, row in gone.items() if any(value is not None for value in row.fields.values())]


def _replace_wanted(
    tx: sa.Connection, gone: Iterable[tuple[Ref, str]], rows: Mapping[tuple[Ref, str], tuple[int, Any, Any]]
) -> None:
    by_group: dict[str, list[Ref]] = {}
    for ref, grp in (*gone, *rows):
        by_group.setdefault(grp, []).append(ref)
    for grp, refs in by_group.items():
        for condition in graph.in_refs(wanted, refs):
            tx.execute(wanted.delete().where(condition, wanted.c.grp == grp))
    if rows:
        tx.execute(
            wanted.insert(),
            [
                {**graph.row_of(ref), "grp": grp, "organization": number, "fields": fields, "because": because}
                for (ref, grp), (number, fields, because) in rows.items()
            ],
        )


def _wanted_rows(tx: sa.Connection, refs: Sequence[Ref]) -> dict[tuple[Ref, str], sa.Row[Any]]:
    found = {}
    for condition in graph.in_refs(wanted, refs):
        for row in tx.execute(sa.select(wanted).where(condition)):
            found[Ref(row.connection, row.object, row.id), row.grp] = row
    return found


def _compared(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Without what says only when it was decided: deciding the same again is no change."""
    return {name: value for name, value in fields.items() if name not in STAMP_BY_NAME or STAMP_BY_NAME[name].compared}


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same values as JSON holds them: times as ISO text."""
    made: dict[str, Any] = orjson.loads(orjson.dumps(dict(values), option=orjson.OPT_SORT_KEYS, default=str))
    return made


def get_wanted(
    tx: sa.Connection, refs: Sequence[Ref]
) -> dict[tuple[Ref, WriteGroup], tuple[dict[str, Any], dict[str, Any]]]:
    """What these records should show, by write group: (values, why)."""
    return {(ref, WriteGroup(grp)): (_revived(r.fields), r.because) for (ref, grp), r in _wanted_rows(tx, refs).items()}


def wanting_owners(tx: sa.Connection) -> list[Ref]:
    """Every record about whose owner something is wanted, in a fixed order."""
    query = sa.select(wanted.c.connection, wanted.c.object, wanted.c.id).where(wanted.c.grp == WriteGroup.OWNER.value)
    return sorted(Ref(*row) for row in tx.execute(query))


def every_wanted(tx: sa.Connection) -> list[tuple[Ref, WriteGroup, dict[str, Any], dict[str, Any]]]:
    """What every record should show, in a fixed order."""
    rows = tx.execute(sa.select(wanted).order_by(wanted.c.connection, wanted.c.object, wanted.c.id, wanted.c.grp))
    return [(Ref(r.connection, r.object, r.id), WriteGroup(r.grp), _revived(r.fields), r.because) for r in rows]


def _revived(values: Mapping[str, Any]) -> dict[str, Any]:
    """Stamps as they were wanted: times are times again."""
    return {
        name: _moment(value) if name in STAMP_BY_NAME and STAMP_BY_NAME[name].type is StampType.DATETIME else value
        for name, value in values.items()
    }


def _claim_row(number: int, state: RegistrationState) -> dict[str, Any]:
    content = {
        "partner_id": state.partner_id,
        "partner_name": state.partner_name,
        "received_at": _iso(state.received_at),
        "since": _iso(state.since),
        "products": sorted(state.products),
        "reason": state.reason,
        "detail": state.detail,
        "behind": str(state.behind) if state.behind else None,
        "next_due": _iso(state.next_due),
    }
    return {
        **graph.row_of(state.ref),
        "organization": number,
        "number": state.number,
        "application": state.application.value,
        "protection": state.protection.value,
        "until": state.until,
        "content": content,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _claimed(row: sa.Row[Any]) -> Claimed:
    c = row.content
    return Claimed(
        row.organization,
        RegistrationState(
            ref=Ref(row.connection, row.object, row.id),
            number=row.number,
            partner_id=c["partner_id"],
            partner_name=c["partner_name"],
            application=Application(row.application),
            protection=Protection(row.protection),
            received_at=_moment(c["received_at"]),
            since=_moment(c["since"]),
            until=row.until,
            products=frozenset(c["products"]),
            reason=c["reason"],
            detail=c["detail"],
            behind=Ref.parse(c["behind"]) if c["behind"] else None,
            next_due=_moment(c["next_due"]),
        ),
    )


def claims(tx: sa.Connection, organization: int | None = None) -> list[Claimed]:
    """The state of every registration (of one organization), oldest received first."""
    query = sa.select(claim)
    if organization is not None:
        query = query.where(claim.c.organization == organization)
    found = [_claimed(row) for row in tx.execute(query)]
    last = datetime.max.replace(tzinfo=UTC)
    return sorted(found, key=lambda c: (c.state.received_at or last, c.state.ref))


def find_claims(tx: sa.Connection, text: str) -> list[Claimed]:
    """The registrations with this number or native id, or this whole ref."""
    parts = text.split("/", 2)
    by_ref = graph.where_ref(claim, Ref(*parts)) if len(parts) == 3 else (sa.false(),)
    query = sa.select(claim).where(sa.or_(claim.c.number == text, claim.c.id == text, sa.and_(*by_ref)))
    return [_claimed(row) for row in tx.execute(query)]


def _collision_row(number: int, item: Collision) -> dict[str, Any]:
    content = {
        "registration": str(item.registration),
        "other": str(item.other),
        "rule": item.rule,
        "winner": str(item.winner) if item.winner else None,
        "sentence": item.sentence,
        "evidence": plain(item.evidence),
    }
    return {"id": item.id, "organization": number, "code": item.code.value, "state": item.state, "content": content}


def _collision(row: sa.Row[Any]) -> Collision:
    c = row.content
    return Collision(
        code=Code(row.code),
        registration=Ref.parse(c["registration"]),
        other=Ref.parse(c["other"]),
        state=row.state,
        rule=c["rule"],
        winner=Ref.parse(c["winner"]) if c["winner"] else None,
        sentence=c["sentence"],
        evidence=c["evidence"],
    )


def collisions(tx: sa.Connection, organization: int | None = None) -> list[Collision]:
    """Every collision (of one organization), by code and id."""
    query = sa.select(collision).order_by(collision.c.code, collision.c.id)
    if organization is not None:
        query = query.where(collision.c.organization == organization)
    return [_collision(row) for row in tx.execute(query)]


def find_collision(tx: sa.Connection, id_: str) -> tuple[int, Collision] | None:
    """A collision by its id, with its organization."""
    row = tx.execute(sa.select(collision).where(collision.c.id == id_)).one_or_none()
    return None if row is None else (row.organization, _collision(row))


def organizations_due(tx: sa.Connection, now: datetime) -> list[int]:
    """The organizations whose outcome changes because time has passed."""
    return sorted(row[0] for row in tx.execute(sa.select(due.c.organization).where(due.c.at <= now)))


def organizations_pending(tx: sa.Connection) -> set[int]:
    """The organizations with a claim that waits until everything that could contest it has been seen."""
    query = sa.select(claim.c.organization).where(claim.c.application == Application.PENDING.value)
    return {row[0] for row in tx.execute(query)}


def count_pending(tx: sa.Connection) -> int:
    """How many claims wait until everything that could contest them has been seen."""
    query = sa.select(sa.func.count()).where(claim.c.application == Application.PENDING.value)
    return tx.execute(query).scalar_one()


def organizations_reading(tx: sa.Connection, topics: Iterable[str]) -> list[int]:
    """The organizations whose outcome was made from one of these topics."""
    query = sa.select(topic.c.organization).where(topic.c.name.in_(sorted(set(topics))))
    return sorted({row[0] for row in tx.execute(query)})


def decided_organizations(tx: sa.Connection) -> set[int]:
    """Every organization that something is derived for."""
    tables = (claim, wanted)
    found = {row[0] for table in tables for row in tx.execute(sa.select(table.c.organization).distinct())}
    return found - {NOWHERE}


def forget_derived(tx: sa.Connection, tables: Sequence[sa.Table]) -> None:
    """Empty derived tables; raises ValueError for a table of facts."""
    for table in tables:
        if table.info["kind"] != "derived":
            raise ValueError(f"{table.name} holds facts")
        tx.execute(table.delete())


def frozen_statistics(tx: sa.Connection) -> tuple[str, dict[str, Any]] | None:
    """The newest frozen statistics of matching: (version, content)."""
    row = tx.execute(sa.select(statistics).order_by(statistics.c.frozen_at.desc()).limit(1)).one_or_none()
    return None if row is None else (row.version, row.content)


def frozen_version(tx: sa.Connection) -> str | None:
    """The version of the newest frozen statistics of matching."""
    return tx.execute(sa.select(statistics.c.version).order_by(statistics.c.frozen_at.desc()).limit(1)).scalar()


def freeze_statistics(tx: sa.Connection, version: str, content: Mapping[str, Any], now: datetime) -> None:
    """Keep a version of the statistics as a fact, so that scores can be replayed; it is in force from now on."""
    known = statistics.update().where(statistics.c.version == version)
    if tx.execute(known.values(frozen_at=now)).rowcount == 0:
        tx.execute(statistics.insert().values(version=version, content=dict(content), frozen_at=now))
