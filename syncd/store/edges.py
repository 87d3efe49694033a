"""What matching made of the accounts: parsed records, their keys, edges and links, and who has to be linked again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from syncd.model import Band, Evidence, Judgement, Link, Ref
from syncd.store import counters
from syncd.store.refs import chunks, delete_pairs, delete_refs, in_refs, row_of
from syncd.store.tables import edge, link, match_key, parsed, reach, rekeyed, unlinked

_STREAMED = 50_000  # rows of a large answer that are in memory at a time


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
    _note_rekeyed(tx, refs)
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


def _note_rekeyed(tx: sa.Connection, refs: Sequence[Ref]) -> None:
    """The keys of these accounts are others from this transaction on, so that indexes of keys can follow."""
    if refs:
        change = counters.advance(tx, "rekeyed", 1) + 1
        delete_refs(tx, rekeyed, refs)
        tx.execute(rekeyed.insert(), [{**row_of(ref), "change": change} for ref in refs])


def last_rekeyed(tx: sa.Connection) -> int:
    """The position of the last change of anybody's keys; all changes up to it can be seen."""
    return counters.value(tx, "rekeyed")


def rekeyed_since(tx: sa.Connection, change: int) -> list[Ref]:
    """The accounts that came, went or have other keys since this position, in order."""
    query = sa.select(rekeyed.c.connection, rekeyed.c.object, rekeyed.c.id).where(rekeyed.c.change > change)
    return sorted(Ref(*row) for row in tx.execute(query))


def drop_parsed(tx: sa.Connection, refs: Sequence[Ref]) -> None:
    """These accounts no longer take part in matching; their edges go when everybody around them is linked again."""
    _remember(tx, refs)
    _note_rekeyed(tx, sorted(roles(tx, refs)))
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


def every_parsed(tx: sa.Connection) -> Iterator[dict[str, Any]]:
    """Every parsed record, in no order, of which only some are in memory."""
    for rows in _streamed(tx, sa.select(parsed.c.content)):
        yield from (row.content for row in rows)


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


def keys_of(tx: sa.Connection, refs: Sequence[Ref]) -> dict[Ref, dict[str, list[str]]]:
    """The keys of each of these accounts by kind; none for those that take no part in matching."""
    found: dict[Ref, dict[str, list[str]]] = {}
    for condition in in_refs(match_key, refs):
        for row in tx.execute(sa.select(match_key).where(condition)):
            ref = Ref(row.connection, row.object, row.id)
            found.setdefault(ref, {}).setdefault(row.kind, []).append(row.key)
    return found


def key_counts(tx: sa.Connection, least: int) -> dict[str, int]:
    """How many accounts have each stored key, for keys that at least `least` have."""
    query = sa.select(match_key.c.key, sa.func.count()).where(match_key.c.kind != "asking").group_by(match_key.c.key)
    return {row[0]: row[1] for row in tx.execute(query.having(sa.func.count() >= least))}


def ordered_refs(tx: sa.Connection) -> Iterator[Sequence[Ref]]:
    """Every account that takes part in matching, in the database's order of refs, some at a time."""
    columns = (parsed.c.connection, parsed.c.object, parsed.c.id)
    for rows in _streamed(tx, sa.select(*columns).order_by(*columns)):
        yield [Ref(*row) for row in rows]


def ordered_keys(tx: sa.Connection) -> Iterator[Sequence[tuple[str, str, str, str, str]]]:
    """Every (key, kind, connection, object, id); those of one key and kind in the order of `ordered_refs`."""
    columns = (match_key.c.key, match_key.c.kind, match_key.c.connection, match_key.c.object, match_key.c.id)
    yield from _streamed(tx, sa.select(*columns).order_by(*columns))


def _streamed(tx: sa.Connection, query: sa.Select[Any]) -> Iterator[Sequence[Any]]:
    """The rows of a large answer, of which only some are in memory."""
    with tx.execute(query, execution_options={"yield_per": _STREAMED}) as result:
        yield from result.partitions()


def get_reach(tx: sa.Connection, refs: Sequence[Ref]) -> dict[Ref, tuple[int, Ref]]:
    """Of filed companies with a full list of accounts, what the last of it shares, and which it is."""
    found = {}
    for condition in in_refs(reach, refs):
        for row in tx.execute(sa.select(reach).where(condition)):
            found[Ref(row.connection, row.object, row.id)] = (row.worth, Ref.parse(row.last))
    return found


def all_reaches(tx: sa.Connection) -> list[tuple[Ref, int]]:
    """Every filed company with a full list of accounts, and what the last of it shares."""
    query = sa.select(reach.c.connection, reach.c.object, reach.c.id, reach.c.worth)
    return [(Ref(row[0], row[1], row[2]), row[3]) for row in tx.execute(query)]


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
    delete_pairs(tx, edge, gone, ("a_", "b_"))
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


def put_links(tx: sa.Connection, links: Iterable[Link], before: Iterable[Link] | None = None) -> tuple[int, set[Ref]]:
    """Make these the links there are, touching only what differs from `before` (read if it is not given).

    Returns how many changed, and the records on either side of a changed one.
    """
    new = {(item.left, item.right): item for item in links}
    old = {(item.left, item.right): item for item in (all_links(tx) if before is None else before)}
    gone = [pair for pair, item in old.items() if new.get(pair) != item]
    come = [item for pair, item in new.items() if old.get(pair) != item]
    delete_pairs(tx, link, gone, ("left_", "right_"))
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
