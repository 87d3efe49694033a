"""Linking through the store: what changes bring, in any order and batches, is what a run from nothing comes to."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.jobs import frozen, index, persons, search
from syncd.jobs import link as link_job
from syncd.jobs.link import link
from syncd.matching import PARSER_VERSION, keys, neighbours, parse, query_keys
from syncd.model import Account, DecisionKind, Ref
from syncd.store import graph
from syncd.store.database import Store
from syncd.store.tables import (
    edge,
    member,
    metadata,
    progress,
    reach,
    unlinked,
)
from syncd.store.tables import link as link_table

from .world import World

WORDS = ["Fenwick", "Harbour", "Pellmore", "Halden", "Joinery", "Foods", "Works", "Logistics", "North", "South"]
FORMS = ["Ltd", "GmbH", "PLC", ""]
KINDS = {"same": DecisionKind.SAME, "different": DecisionKind.DIFFERENT, "unsure": DecisionKind.UNSURE}
EXAMPLES = 6 if settings.default.max_examples < 100 else 150
DERIVED = (edge, link_table, member, reach)

_names = st.builds(" ".join, st.lists(st.sampled_from(WORDS), min_size=1, max_size=3))
_companies = st.builds(
    lambda side, n, name, form, site, city, tax: (side, n, f"{name} {form}".strip(), site, city, tax),
    st.sampled_from(["filed", "filed", "direct", "direct", "direct"]), st.integers(0, 7), _names,
    st.sampled_from(FORMS), st.sampled_from([None, None, "fenwick", "halden"]),
    st.sampled_from([None, "Leeds", "Bath"]), st.sampled_from([None, None, None, "GB123456789", "GB987654321"]),
)  # fmt: skip
Company = tuple[str, int, str, str | None, str | None, str | None]
_change = st.one_of(
    _companies,
    st.tuples(st.just("gone"), st.sampled_from(["filed", "direct"]), st.integers(0, 7)),
    st.tuples(st.sampled_from(list(KINDS)), st.integers(0, 7), st.integers(0, 7)),
)
_first = st.lists(_companies, min_size=8, max_size=24, unique_by=lambda c: c[:2])
_batches = st.lists(st.lists(_change, min_size=1, max_size=4), max_size=4)


def ref(side: str, n: int) -> Ref:
    return Ref("crm" if side == "direct" else "prm", "account", str(n))


def account(company: Company) -> Account:
    side, n, name, site, city, tax = company
    website = f"https://{site}.example" if site else None
    return Account(ref(side, n), name, website=website, city=city, country="GB", vat_number=tax)


def put(store: Store, companies: Iterable[Company]) -> None:
    """These records are staged as they are now."""
    records = [(company[0], parse(account(company))) for company in companies]
    rows = [(one.ref, role, one.to_json(), keys(one)) for role, one in records]
    asking = {one.ref: query_keys(one) for role, one in records if role == "filed"}
    with store.begin() as tx:
        graph.mark_unlinked(tx, graph.put_parsed(tx, rows, PARSER_VERSION, asking))


def drop(store: Store, gone: Ref) -> None:
    with store.begin() as tx:
        graph.drop_parsed(tx, [gone])
        graph.mark_unlinked(tx, [gone])


def apply(world: World, change: tuple[Any, ...]) -> None:
    """One thing happens: a record comes or changes, one goes, or a person says something."""
    if change[0] == "gone":
        drop(world.store, ref(change[1], change[2]))
    elif change[0] in KINDS:
        with world.store.read() as tx:
            there = sorted(graph.roles(tx))
        one, other = (there[n % len(there)] for n in change[1:])
        if one != other:
            persons.judge(world.work, str(one), str(other), KINDS[change[0]], "kim", "they said so")
    else:
        put(world.store, [change])


def clear(store: Store) -> None:
    """A database as it was made."""
    with store.begin() as tx:
        for table in reversed(metadata.sorted_tables):
            if table.name not in ("counter", "connection"):
                tx.execute(table.delete())


def answer(store: Store) -> dict[str, Any]:
    """Edges, links, reaches, and who is with whom, whatever the numbers of the organizations are."""
    with store.read() as tx:
        groups: dict[int, set[Ref]] = {}
        for one, number in graph.members(tx).items():
            groups.setdefault(number, set()).add(one)
        return {
            "edges": {(a, b): (points, said) for a, b, points, said in graph.get_edges(tx)},
            "links": {(k.left, k.right): k for k in graph.all_links(tx)},
            "groups": {frozenset(group) for group in groups.values()},
            "reach": sorted(tuple(row) for row in tx.execute(sa.select(reach))),
        }


def from_nothing(world: World) -> dict[str, Any]:
    """The answer of a full run at the same frozen version."""
    with world.store.begin() as tx:
        for table in (*DERIVED, progress, unlinked):
            tx.execute(table.delete())
        graph.mark_unlinked(tx, graph.roles(tx))
    link(world.work)
    return answer(world.store)


@pytest.fixture
def short_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of candidates that are soon full, and keys that are soon common."""
    monkeypatch.setattr(neighbours, "ACROSS", 3)
    monkeypatch.setattr(neighbours, "COMMON", 9)
    monkeypatch.setattr(neighbours, "LISTED_FROM", 2)
    monkeypatch.setattr(frozen, "LISTED_FROM", 2)
    monkeypatch.setattr(search, "CROWDED", 1000)
    monkeypatch.setattr(neighbours, "CROWDED", 1000)


FILES = ("open", "kept", "absent", "torn", "foreign", "older")


def meddle(world: World, what: str, older: list[bytes]) -> None:
    """What may happen to the file of the index between two runs: another process finds it as it was, or worse."""
    path = index.path_of(world.work)
    assert path is not None
    if what == "open" or not path.exists():
        return
    index._OPEN.clear()
    data = path.read_bytes()
    older.append(data)
    middle = len(data) // 2
    if what == "absent":
        path.unlink()
    elif what == "torn":
        path.write_bytes(data[:middle])
    elif what == "foreign":
        path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    elif what == "older":
        path.write_bytes(older[0])


@pytest.mark.usefixtures("short_lists")
@settings(max_examples=EXAMPLES)
@given(
    first=_first,
    batches=_batches,
    built_from=st.sampled_from([1, 200]),
    files=st.lists(st.sampled_from(FILES), min_size=4, max_size=4),
    at_once=st.sampled_from([3, 20_000]),
)
def test_changes_in_batches_come_to_what_a_run_from_nothing_comes_to(
    world: World, tmp_path_factory: pytest.TempPathFactory, first: list[Company],
    batches: list[list[tuple[Any, ...]]], built_from: int, files: list[str], at_once: int,
) -> None:  # fmt: skip
    clear(world.store)
    world.work.index_folder = tmp_path_factory.mktemp("index")
    put(world.store, first)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "BUILT_FROM", built_from)
        patch.setattr(index, "MERGED_FROM", 3)
        patch.setattr(link_job, "FIRST_AT_ONCE", at_once)
        link(world.work)
        older: list[bytes] = []
        for batch, what in zip(batches, files, strict=False):
            meddle(world, what, older)
            for change in batch:
                apply(world, change)
            link(world.work)
    assert answer(world.store) == from_nothing(world)


@pytest.mark.usefixtures("short_lists")
@settings(max_examples=EXAMPLES)
@given(first=_first, later=st.lists(_companies, max_size=12, unique_by=lambda c: c[:2]), seed=st.integers(0, 10**6))
def test_neither_the_order_of_arrival_nor_the_batches_change_the_links(
    make: Any, first: list[Company], later: list[Company], seed: int
) -> None:
    world = make(empty=True)
    found = []
    for chance in (random.Random(seed), random.Random(seed + 1)):
        clear(world.store)
        put(world.store, first)
        link(world.work)
        mixed = chance.sample(later, len(later))
        while mixed:
            size = chance.randint(1, len(mixed))
            put(world.store, mixed[:size])
            link(world.work)
            mixed = mixed[size:]
        found.append(answer(world.store))
    assert found[0] == found[1]


def test_one_change_reads_its_own_surroundings_and_nothing_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    clear(world.store)
    many = [("direct", n, f"Quern{n} Velvet{n} Ltd", None, None, None) for n in range(300)]
    many += [("filed", n, f"Quern{n} Velvet{n}", None, None, None) for n in range(150)]
    put(world.store, many)
    link(world.work)
    asked: list[Ref] = []
    for name in ("get_parsed", "roles", "edges_of", "links_of", "membership"):
        was = getattr(graph, name)

        def seen(tx: Any, refs: Any = None, was: Any = was) -> Any:
            assert refs is not None, "everybody was asked for"
            asked.extend(refs)
            return was(tx, refs)

        monkeypatch.setattr(graph, name, seen)
    for name in ("get_edges", "all_links", "members"):
        monkeypatch.delattr(graph, name)
    put(world.store, [("direct", 7, "Quern7 Velvet7 GmbH", None, "Leeds", None)])
    asked.clear()
    assert link(world.work) == 1
    assert {one.id for one in asked} == {"7"}
