"""The derived graph: staged records, what matching made of them, links, and who belongs to which organization."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from syncd.model import Band, Evidence, Judgement, Link, Ref, Stream
from syncd.store import counters
from syncd.store.tables import (
    dirty,
    edge,
    link,
    match_key,
    member,
    organization,
    organization_alias,
    parsed,
    progress,
    reach,
    staged,
    unanswered,
    unlinked,
    unplanned,
    unreadable,
)

_CHUNK = 5_000


def chunks(items: Sequence[Any], size: int = _CHUNK) -> Iterable[Sequence[Any]]:
    """`items` in pieces that fit one statement."""
    return (items[start : start + size] for start in range(0, len(items), size))


@dataclass(frozen=True, slots=True)
class Staged:
    """What one record is to the later steps: what it hangs on, what others name it by, what was wrong with it."""

    ref: Ref
    stream: Stream
    parent: Ref | None
    key: str | None
    state: str
    problems: tuple[Mapping[str, Any], ...]
    change: int


def where_ref(table: sa.Table, ref: Ref, prefix: str = "") -> tuple[sa.ColumnElement[bool], ...]:
    """The condition that a row is about `ref`."""
    return (
        table.c[f"{prefix}connection"] == ref.connection,
        table.c[f"{prefix}object"] == ref.object,
        table.c[f"{prefix}id"] == ref.id,
    )


def row_of(ref: Ref, prefix: str = "") -> dict[str, Any]:
    """The column values that name `ref`."""
    return {f"{prefix}connection": ref.connection, f"{prefix}object": ref.object, f"{prefix}id": ref.id}


def in_refs(table: sa.Table, refs: Sequence[Ref], prefix: str = "") -> Iterable[sa.ColumnElement[bool]]:
    """Conditions that together select the rows of these records, in pieces that fit one statement."""
    by_object: dict[tuple[str, str], list[str]] = {}
    for ref in refs:
        by_object.setdefault((ref.connection, ref.object), []).append(ref.id)
    for (connection, object), ids in by_object.items():
        for part in chunks(ids):
            yield sa.and_(
                table.c[f"{prefix}connection"] == connection,
                table.c[f"{prefix}object"] == object,
                table.c[f"{prefix}id"].in_(list(part)),
            )


def delete_refs(tx: sa.Connection, table: sa.Table, refs: Sequence[Ref], prefix: str = "") -> None:
    """Delete the rows of these records."""
    for condition in in_refs(table, refs, prefix):
        tx.execute(table.delete().where(condition))


# --- progress --------------------------------------------------------------------------------------------------------


def get_progress(tx: sa.Connection, name: str) -> tuple[int, str]:
    """The change up to which a step has worked, and the versions of mapping and code it worked with."""
    row = tx.execute(sa.select(progress).where(progress.c.name == name)).one_or_none()
    return (0, "") if row is None else (row.change, row.versions)


def set_progress(tx: sa.Connection, name: str, change: int, versions: str) -> None:
    """Remember how far a step has worked, in the step's own transaction."""
    values = {"change": change, "versions": versions}
    if tx.execute(progress.update().where(progress.c.name == name).values(**values)).rowcount == 0:
        tx.execute(progress.insert().values(name=name, **values))


# --- staged records --------------------------------------------------------------------------------------------------


def put_staged(tx: sa.Connection, rows: Sequence[Staged]) -> None:
    """Replace what is known of these records."""
    delete_refs(tx, staged, [row.ref for row in rows])
    if rows:
        tx.execute(
            staged.insert(),
            [
                {
                    **row_of(row.ref),
                    "stream": row.stream.value,
                    "parent": str(row.parent) if row.parent else None,
                    "key": row.key,
                    "state": row.state,
                    "problems": [dict(p) for p in row.problems],
                    "change": row.change,
                }
                for row in rows
            ],
        )


def drop_staged(tx: sa.Connection, refs: Sequence[Ref]) -> None:
    """These records are gone from their systems."""
    delete_refs(tx, staged, refs)


def get_staged(tx: sa.Connection, refs: Sequence[Ref]) -> dict[Ref, Staged]:
    """What is known of these records."""
    found = {}
    for condition in in_refs(staged, refs):
        for row in tx.execute(sa.select(staged).where(condition)):
            known = _staged(row)
            found[known.ref] = known
    return found


def hanging_on(tx: sa.Connection, stream: Stream, parents: Sequence[Ref]) -> dict[Ref, Ref]:
    """The records of a stream that hang on these accounts, each with its account."""
    found: dict[Ref, Ref] = {}
    for part in chunks(sorted({str(ref) for ref in parents})):
        query = sa.select(staged.c.connection, staged.c.object, staged.c.id, staged.c.parent).where(
            staged.c.stream == stream.value, staged.c.parent.in_(list(part))
        )
        found.update((Ref(row[0], row[1], row[2]), Ref.parse(row[3])) for row in tx.execute(query))
    return found


def keyed(tx: sa.Connection, stream: Stream, keys: Sequence[str]) -> dict[str, list[Ref]]:
    """The records of a stream by the key that others name them by."""
    found: dict[str, list[Ref]] = {}
    for part in chunks(sorted(set(keys))):
        query = sa.select(staged.c.key, staged.c.connection, staged.c.object, staged.c.id).where(
            staged.c.stream == stream.value, staged.c.key.in_(list(part))
        )
        for row in tx.execute(query):
            found.setdefault(row.key, []).append(Ref(row.connection, row.object, row.id))
    return found


def with_ids(tx: sa.Connection, stream: Stream, ids: Sequence[str]) -> dict[str, list[Ref]]:
    """The records of a stream with these native ids, over all connections."""
    found: dict[str, list[Ref]] = {}
    for part in chunks(sorted(set(ids))):
        query = sa.select(staged.c.connection, staged.c.object, staged.c.id).where(
            staged.c.stream == stream.value, staged.c.id.in_(list(part))
        )
        for row in tx.execute(query):
            found.setdefault(row.id, []).append(Ref(*row))
    return found


def problems(tx: sa.Connection) -> list[Staged]:
    """Every record that was taken with something wrong, or could not be taken."""
    query = sa.select(staged).where(sa.or_(staged.c.problems != [], staged.c.state != "taken"))
    return [_staged(row) for row in tx.execute(query.order_by(staged.c.stream, staged.c.id))]


def unreadable_rows(tx: sa.Connection) -> list[dict[str, Any]]:
    """What could not be made a record at all, with its reason."""
    return [
        {
            "ref": f"{r.connection}/{r.id}",
            "stream": r.stream,
            "state": "unreadable",
            "reason": r.reason,
            "seen_at": r.seen_at,
        }
        for r in tx.execute(sa.select(unreadable).order_by(unreadable.c.stream, unreadable.c.id))
    ]


def _staged(row: sa.Row[Any]) -> Staged:
    parent = Ref.parse(row.parent) if row.parent else None
    ref, stream = Ref(row.connection, row.object, row.id), Stream(row.stream)
    return Staged(ref, stream, parent, row.key, row.state, tuple(row.problems), row.change)


# --- matching --------------------------------------------------------------------------------------------------------


def put_parsed(
    tx: sa.Connection,
    rows: Sequence[tuple[Ref, str, Mapping[str, Any], Sequence[str]]],
    parser: str,
    asking: Mapping[Ref, Sequence[str]] | None = None,
) -> list[Ref]:
    """Replace what matching made of these accounts: (ref, role, parsed record, stored keys).

    `asking` are the keys with which filed companies look for accounts. Returns those for which it is something else
    than before; only they have to be linked again, and what they were is remembered until they are.
    """
    before = {ref: (role, content) for ref, role, content in get_parsed(tx, [ref for ref, *_ in rows])}
    fresh = {ref: (role, dict(c), keys) for ref, role, c, keys in rows if before.get(ref) != (role, _as_stored(c))}
    refs = list(fresh)
    _remember(tx, refs)
    delete_refs(tx, parsed, refs)
    delete_refs(tx, match_key, refs)
    if fresh:
        contents = [
            {**row_of(ref), "role": role, "content": c, "parser": parser} for ref, (role, c, _) in fresh.items()
        ]
        tx.execute(parsed.insert(), contents)
    kinds = [(ref, role, keys) for ref, (role, _, keys) in fresh.items()]
    kinds += [(ref, "asking", keys) for ref, keys in (asking or {}).items() if ref in fresh]
    pairs = [{**row_of(ref), "kind": kind, "key": key} for ref, kind, keys in kinds for key in sorted(set(keys))]
    if pairs:
        tx.execute(match_key.insert(), pairs)
    return refs


def _as_stored(content: Mapping[str, Any]) -> Any:
    return orjson.loads(orjson.dumps(content))


def _remember(tx: sa.Connection, refs: Sequence[Ref]) -> None:
    """Keep the side and the keys of accounts as they were last linked, before they become others."""
    waiting = set(was_linked(tx, refs))
    keys: dict[tuple[Ref, str], list[str]] = {}
    for condition in in_refs(match_key, [ref for ref in refs if ref not in waiting]):
        for row in tx.execute(sa.select(match_key).where(condition, match_key.c.kind != "asking")):
            keys.setdefault((Ref(row.connection, row.object, row.id), row.kind), []).append(row.key)
    if keys:
        tx.execute(
            unlinked.insert(),
            [{**row_of(ref), "role": role, "keys": sorted(found)} for (ref, role), found in keys.items()],
        )


def drop_parsed(tx: sa.Connection, refs: Sequence[Ref]) -> None:
    """These accounts no longer take part in matching; their edges go when everybody around them is linked again."""
    _remember(tx, refs)
    for table in (parsed, match_key):
        delete_refs(tx, table, refs)


def get_parsed(tx: sa.Connection, refs: Sequence[Ref] | None = None) -> list[tuple[Ref, str, dict[str, Any]]]:
    """(ref, role, parsed record) of these accounts, or of all, in a fixed order."""
    conditions = [sa.true()] if refs is None else list(in_refs(parsed, refs))
    found = []
    for condition in conditions:
        for row in tx.execute(sa.select(parsed).where(condition)):
            found.append((Ref(row.connection, row.object, row.id), row.role, row.content))
    return sorted(found, key=lambda item: item[0])


def count_parsed(tx: sa.Connection) -> int:
    """How many accounts take part in matching."""
    return tx.execute(sa.select(sa.func.count()).select_from(parsed)).scalar_one()


def roles(tx: sa.Connection, refs: Sequence[Ref] | None = None) -> dict[Ref, str]:
    """The role of each of these accounts, or of all, that takes part in matching."""
    query = sa.select(parsed.c.connection, parsed.c.object, parsed.c.id, parsed.c.role)
    conditions = [sa.true()] if refs is None else list(in_refs(parsed, refs))
    found = (row for condition in conditions for row in tx.execute(query.where(condition)))
    return {Ref(row[0], row[1], row[2]): row[3] for row in found}


def postings(tx: sa.Connection, kind: str, keys: Sequence[str], limit: int) -> dict[str, list[Ref]]:
    """The accounts that have each of these keys, for keys that at most `limit` accounts have."""
    found: dict[str, list[Ref]] = {}
    for part in chunks(sorted(set(keys))):
        wanted = (match_key.c.key.in_(list(part)), match_key.c.kind == kind)
        counts = sa.select(match_key.c.key, sa.func.count()).where(*wanted).group_by(match_key.c.key)
        few = [row[0] for row in tx.execute(counts.having(sa.func.count() <= limit))]
        query = sa.select(match_key).where(match_key.c.key.in_(few), match_key.c.kind == kind)
        for row in tx.execute(query):
            found.setdefault(row.key, []).append(Ref(row.connection, row.object, row.id))
    return found


def key_counts(tx: sa.Connection, least: int) -> dict[str, int]:
    """How many accounts have each stored key, for keys that at least `least` have."""
    query = sa.select(match_key.c.key, sa.func.count()).where(match_key.c.kind != "asking").group_by(match_key.c.key)
    return {row[0]: row[1] for row in tx.execute(query.having(sa.func.count() >= least))}


def get_reach(tx: sa.Connection, refs: Sequence[Ref]) -> dict[Ref, tuple[int, Ref]]:
    """Of filed companies with a full list of accounts, what the last of it shares, and which it is."""
    found = {}
    for condition in in_refs(reach, refs):
        for row in tx.execute(sa.select(reach).where(condition)):
            found[Ref(row.connection, row.object, row.id)] = (row.worth, Ref.parse(row.last))
    return found


def put_reach(tx: sa.Connection, refs: Sequence[Ref], full: Mapping[Ref, tuple[int, Ref]]) -> None:
    """Replace the reach of these companies by that of those that have a full list."""
    delete_refs(tx, reach, refs)
    if full:
        tx.execute(
            reach.insert(), [{**row_of(ref), "worth": worth, "last": str(last)} for ref, (worth, last) in full.items()]
        )


def change_edges(
    tx: sa.Connection, gone: Iterable[tuple[Ref, Ref]], come: Iterable[tuple[Ref, Ref, float, list[Any]]]
) -> None:
    """Take edges away and add others: (a, b, points, evidence), a before b."""
    for a, b in gone:
        tx.execute(edge.delete().where(*where_ref(edge, a, "a_"), *where_ref(edge, b, "b_")))
    _insert_edges(tx, come)


def _insert_edges(tx: sa.Connection, edges: Iterable[tuple[Ref, Ref, float, list[Any]]]) -> None:
    rows = [
        {**row_of(a, "a_"), **row_of(b, "b_"), "points": points, "evidence": evidence}
        for a, b, points, evidence in edges
    ]
    if rows:
        tx.execute(edge.insert(), rows)


def put_edges(tx: sa.Connection, of: Sequence[Ref], edges: Iterable[tuple[Ref, Ref, float, list[Any]]]) -> None:
    """Replace every edge of these accounts by (a, b, points, evidence), a before b."""
    for prefix in ("a_", "b_"):
        delete_refs(tx, edge, of, prefix)
    rows = {(a, b): (a, b, points, evidence) for a, b, points, evidence in edges}
    _insert_edges(tx, rows.values())


def get_edges(tx: sa.Connection) -> list[tuple[Ref, Ref, float, list[Any]]]:
    """Every edge."""
    return [_edge(row) for row in tx.execute(sa.select(edge))]


def edges_of(tx: sa.Connection, refs: Sequence[Ref]) -> list[tuple[Ref, Ref, float, list[Any]]]:
    """Every edge that has one of these accounts on either side, once."""
    rows = (
        row
        for prefix in ("a_", "b_")
        for condition in in_refs(edge, refs, prefix)
        for row in tx.execute(sa.select(edge).where(condition))
    )
    return list({found[:2]: found for found in map(_edge, rows)}.values())


def _edge(r: sa.Row[Any]) -> tuple[Ref, Ref, float, list[Any]]:
    return Ref(r.a_connection, r.a_object, r.a_id), Ref(r.b_connection, r.b_object, r.b_id), r.points, r.evidence


# --- links and organizations -----------------------------------------------------------------------------------------


def put_links(tx: sa.Connection, links: Iterable[Link], before: Iterable[Link] | None = None) -> tuple[int, set[Ref]]:
    """Make these the links there are, touching only what differs from `before` (read if it is not given).

    Returns how many changed, and the records on either side of a changed one.
    """
    new = {(item.left, item.right): item for item in links}
    old = {(item.left, item.right): item for item in (all_links(tx) if before is None else before)}
    gone = [pair for pair, item in old.items() if new.get(pair) != item]
    come = [item for pair, item in new.items() if old.get(pair) != item]
    for left, right in gone:
        tx.execute(link.delete().where(*where_ref(link, left, "left_"), *where_ref(link, right, "right_")))
    if come:
        tx.execute(link.insert(), [_link_row(item) for item in come])
    touched = {ref for pair in gone for ref in pair} | {ref for item in come for ref in (item.left, item.right)}
    return len({*gone, *((item.left, item.right) for item in come)}), touched


def _link_row(item: Link) -> dict[str, Any]:
    return {
        **row_of(item.left, "left_"),
        **row_of(item.right, "right_"),
        "score": item.score,
        "points": item.points,
        "band": item.band.value,
        "judgement": item.judgement.value if item.judgement else None,
        "evidence": [[e.claim, e.points, e.sentence] for e in item.evidence],
    }


def all_links(tx: sa.Connection) -> list[Link]:
    """Every link, best first for each left record."""
    query = sa.select(link).order_by(link.c.left_connection, link.c.left_object, link.c.left_id, link.c.score.desc())
    return [_link(row) for row in tx.execute(query)]


def links_of(tx: sa.Connection, refs: Sequence[Ref]) -> list[Link]:
    """The links that have one of these records on either side."""
    found: dict[tuple[Ref, Ref], Link] = {}
    for prefix in ("left_", "right_"):
        for condition in in_refs(link, refs, prefix):
            for row in tx.execute(sa.select(link).where(condition)):
                item = _link(row)
                found[item.left, item.right] = item
    return sorted(found.values(), key=lambda item: (item.left, -item.score, item.right))


def _link(row: sa.Row[Any]) -> Link:
    return Link(
        left=Ref(row.left_connection, row.left_object, row.left_id),
        right=Ref(row.right_connection, row.right_object, row.right_id),
        score=row.score,
        points=row.points,
        band=Band(row.band),
        evidence=tuple(Evidence(*e) for e in row.evidence),
        judgement=Judgement(row.judgement) if row.judgement else None,
    )


def assign_organizations(
    tx: sa.Connection,
    groups: Sequence[frozenset[Ref]],
    anchor_first: Mapping[Ref, int],
    aliases: Mapping[Ref, Ref],
    now: datetime,
    confirmed: Mapping[Ref, int] | None = None,
) -> dict[Ref, int]:
    """Give each group its organization: the one whose anchor it holds, else a new one.

    `anchor_first` ranks records (lowest first) as anchors of new organizations. A group that holds several anchors
    is a merge, and the others become aliases of the one that stays: the one that is known to have taken them in
    before, else one anchored on a record that comes first, then the one with most records that people have `confirmed`,
    then with most records, then the oldest.
    An alias whose anchor has left lives again. An anchor that was merged into another record is that one. A new
    organization remembers which one most of its records come from.
    """
    refs = sorted({ref for group in groups for ref in group})
    anchors = _anchors(tx, refs, aliases)
    old_alias = _alias_rows(tx, {number for numbers in anchors.values() for number in numbers})
    before = membership(tx, refs)
    result: dict[Ref, int] = {}
    for group in sorted(groups, key=min):
        held = sorted(number for ref in group for number in anchors.get(ref, ()))
        if held:
            first = {n: anchor_first.get(ref, 9) for ref in group for n in anchors.get(ref, ())}
            number = _survivor(group, held, first, old_alias, before, confirmed or {})
        else:
            number = _mint(tx, min(group, key=lambda ref: (anchor_first.get(ref, 9), ref)), _origin(group, before), now)
        for other in held:
            target = number
            if old_alias.get(other, other) != target:
                _alias(tx, other, target, "split" if other == target else "merged", now, known=other in old_alias)
        result.update(dict.fromkeys(group, number))
    return result


def _anchors(tx: sa.Connection, refs: Sequence[Ref], aliases: Mapping[Ref, Ref]) -> dict[Ref, list[int]]:
    """The organizations that are anchored on these records, or on what was merged into them."""
    wanted = set(refs)
    merged = [source for source, target in aliases.items() if target in wanted]
    found: dict[Ref, list[int]] = {}
    for condition in in_refs(organization, [*refs, *(ref for ref in merged if ref not in wanted)], "anchor_"):
        for r in tx.execute(sa.select(organization).where(condition)):
            anchor = Ref(r.anchor_connection, r.anchor_object, r.anchor_id)
            found.setdefault(aliases.get(anchor, anchor), []).append(r.number)
    return found


def _alias_rows(tx: sa.Connection, numbers: Iterable[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for part in chunks(sorted(numbers)):
        rows = tx.execute(sa.select(organization_alias).where(organization_alias.c.number.in_(list(part))))
        found.update({r.number: r.to_number for r in rows})
    return found


def _survivor(
    group: frozenset[Ref],
    held: Sequence[int],
    first: Mapping[int, int],
    alias: Mapping[int, int],
    before: Mapping[Ref, int],
    confirmed: Mapping[Ref, int],
) -> int:
    """Which organization of a merge stays; what was decided by an earlier merge is not decided again."""
    roots = [number for number in held if alias.get(number, number) == number or alias[number] not in held] or held

    def rank(number: int) -> tuple[int, int, int, int]:
        own = [ref for ref in group if before.get(ref) == number]
        return -first[number], sum(confirmed.get(ref, 0) for ref in own), len(own), -number

    return max(roots, key=rank)


def _origin(group: frozenset[Ref], before: Mapping[Ref, int]) -> int | None:
    """The organization that most records of a new one come from; the oldest of several."""
    counts: dict[int, int] = {}
    for ref in group:
        if ref in before:
            counts[before[ref]] = counts.get(before[ref], 0) + 1
    return max(counts, key=lambda number: (counts[number], -number), default=None)


def _mint(tx: sa.Connection, anchor: Ref, origin: int | None, now: datetime) -> int:
    values = {**row_of(anchor, "anchor_"), "minted_at": now, "split_from": origin}
    return int(tx.execute(organization.insert().values(**values).returning(organization.c.number)).scalar_one())


def _alias(tx: sa.Connection, number: int, to: int, cause: str, now: datetime, *, known: bool) -> None:
    values = {"to_number": to, "cause": cause, "at": now}
    if known:
        tx.execute(organization_alias.update().where(organization_alias.c.number == number).values(**values))
    else:
        tx.execute(organization_alias.insert().values(number=number, **values))


def members(tx: sa.Connection) -> dict[Ref, int]:
    """The organization of each record that belongs to one."""
    return {Ref(r.connection, r.object, r.id): r.organization for r in tx.execute(sa.select(member))}


def members_of(tx: sa.Connection, number: int) -> list[Ref]:
    """The records of one organization, in a fixed order."""
    query = sa.select(member.c.connection, member.c.object, member.c.id).where(member.c.organization == number)
    return sorted(Ref(*row) for row in tx.execute(query))


def put_members(tx: sa.Connection, new: Mapping[Ref, int], among: Sequence[Ref] | None = None) -> set[int]:
    """Make this the membership, of all records or `among` these, touching only what differs.

    Returns the organizations that lost or won a record.
    """
    old = members(tx) if among is None else membership(tx, among)
    moved = [ref for ref in {*old, *new} if old.get(ref) != new.get(ref)]
    delete_refs(tx, member, moved)
    rows = [{**row_of(ref), "organization": new[ref]} for ref in sorted(moved) if ref in new]
    if rows:
        tx.execute(member.insert(), rows)
    return {number for ref in moved for number in (old.get(ref), new.get(ref)) if number is not None}


# --- what is still to be done ----------------------------------------------------------------------------------------


def mark_dirty(tx: sa.Connection, numbers: Iterable[int]) -> None:
    """These organizations have to be decided again."""
    known = {row[0] for row in tx.execute(sa.select(dirty.c.organization))}
    counters.add_missing(tx, dirty, [{"organization": number} for number in sorted(set(numbers) - known)])


def dirty_organizations(tx: sa.Connection) -> list[int]:
    """The organizations to decide again, in order."""
    return sorted(row[0] for row in tx.execute(sa.select(dirty.c.organization)))


def mark_clean(tx: sa.Connection, numbers: Sequence[int]) -> None:
    """These organizations have been decided."""
    for part in chunks(numbers):
        tx.execute(dirty.delete().where(dirty.c.organization.in_(list(part))))


def mark_unplanned(tx: sa.Connection, refs: Iterable[Ref]) -> None:
    """What is wanted or shown on these records has changed."""
    wanted = sorted(set(refs))
    delete_refs(tx, unplanned, wanted)
    if wanted:
        tx.execute(unplanned.insert(), [row_of(ref) for ref in wanted])


def unplanned_refs(tx: sa.Connection) -> list[Ref]:
    """The records to compare with what is wanted, in order."""
    return sorted(Ref(*row) for row in tx.execute(sa.select(unplanned)))


def mark_planned(tx: sa.Connection, refs: Sequence[Ref]) -> None:
    """These records have been compared."""
    delete_refs(tx, unplanned, refs)


def mark_unlinked(tx: sa.Connection, refs: Iterable[Ref]) -> None:
    """These accounts have to be linked again, or are gone; what is remembered of them stays."""
    fresh = sorted(set(refs))
    counters.add_missing(tx, unlinked, [{**row_of(ref), "role": "", "keys": []} for ref in fresh])


def unlinked_refs(tx: sa.Connection) -> list[Ref]:
    """The accounts to link, in order."""
    columns = (unlinked.c.connection, unlinked.c.object, unlinked.c.id)
    return sorted(Ref(*row) for row in tx.execute(sa.select(*columns)))


def was_linked(tx: sa.Connection, refs: Sequence[Ref]) -> dict[Ref, tuple[str, list[str]]]:
    """Side and keys with which accounts that have to be linked again were last linked; empty for new ones."""
    found = {}
    for condition in in_refs(unlinked, refs):
        for row in tx.execute(sa.select(unlinked).where(condition)):
            found[Ref(row.connection, row.object, row.id)] = (row.role, row.keys)
    return found


def mark_linked(tx: sa.Connection, refs: Sequence[Ref]) -> None:
    """These accounts have been linked."""
    delete_refs(tx, unlinked, refs)


def mark_unanswered(tx: sa.Connection, refs: Iterable[Ref]) -> None:
    """It has to be looked at whether a group answers for these filings."""
    fresh = sorted(set(refs))
    delete_refs(tx, unanswered, fresh)
    if fresh:
        tx.execute(unanswered.insert(), [row_of(ref) for ref in fresh])


def unanswered_refs(tx: sa.Connection) -> list[Ref]:
    """The filings to look at, in order."""
    return sorted(Ref(*row) for row in tx.execute(sa.select(unanswered)))


def mark_answered(tx: sa.Connection, refs: Sequence[Ref]) -> None:
    """These filings have been looked at."""
    delete_refs(tx, unanswered, refs)


def members_of_all(tx: sa.Connection, numbers: Iterable[int]) -> dict[Ref, int]:
    """The records of these organizations, each with its organization."""
    found: dict[Ref, int] = {}
    for part in chunks(sorted(set(numbers))):
        for row in tx.execute(sa.select(member).where(member.c.organization.in_(list(part)))):
            found[Ref(row.connection, row.object, row.id)] = row.organization
    return found


def membership(tx: sa.Connection, refs: Sequence[Ref]) -> dict[Ref, int]:
    """The organization of each of these accounts that belongs to one."""
    found: dict[Ref, int] = {}
    for condition in in_refs(member, refs):
        for row in tx.execute(sa.select(member).where(condition)):
            found[Ref(row.connection, row.object, row.id)] = row.organization
    return found


def organizations_of(tx: sa.Connection, refs: Sequence[Ref]) -> set[int]:
    """The organizations that these accounts belong to."""
    return set(membership(tx, refs).values())
