"""The fast engine gives the plain scorer's results bit for bit, however the work is parted."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import universe
from syncd.errors import UserError
from syncd.jobs.bulk import BulkLink, Settings, link_lists, link_stored, store, workers_of
from syncd.jobs.bulk_lists import Part, open_list
from syncd.matching import Linker, Parsed, Statistics, link_all, parse
from syncd.matching import score as plain
from syncd.matching.hopeless import Sieve
from syncd.matching.link import candidate_pairs
from syncd.matching.pairs import Pair
from syncd.matching.score import edge
from syncd.matching.sides import Place, Side
from syncd.matching.statistics import Tally
from syncd.matching.stretch import Compared, compare, edge_of, heaps
from syncd.model import Account

SEED, ACCOUNTS, FILED_COUNT = 5, 2_000, 400


def accounts(part: int = 0, of: int = 1) -> list[Account]:
    """The vendor's accounts of a small universe, or a part of them."""
    stretch = universe.accounts(SEED, ACCOUNTS, part * ACCOUNTS // of, (part + 1) * ACCOUNTS // of)
    return [universe.as_account("right", row.fields) for row in stretch]


def filed() -> list[Account]:
    """What partners filed there."""
    return [universe.as_account("left", row.fields) for row in universe.registrations(SEED, FILED_COUNT, ACCOUNTS)]


def first_half() -> list[Account]:
    """Read in another process, so that it has to be a plain function."""
    return accounts(0, 2)


def second_half() -> list[Account]:
    """The rest."""
    return accounts(1, 2)


@pytest.fixture(scope="module")
def here() -> list[Parsed]:
    return [parse(account) for account in filed()]


@pytest.fixture(scope="module")
def there() -> list[Parsed]:
    return [parse(account) for account in accounts()]


@pytest.fixture(scope="module")
def linker(here: list[Parsed], there: list[Parsed]) -> Linker:
    return Linker(Statistics.build([*here, *there]))


def test_the_sieve_drops_nothing_and_changes_nothing(linker: Linker, here: list[Parsed], there: list[Parsed]) -> None:
    kept = 0
    for one, other in candidate_pairs(here, there):
        expected = edge(one, other, linker.statistics, linker.weights)
        assert linker.edge(one, other) == expected
        if expected is None:
            continue
        kept += 1
        found = linker.compare(one, other)
        assert found is not None
        bare = linker.bare_edge(one.ref, other.ref, found)
        assert (bare.a, bare.b, bare.points) == (expected.a, expected.b, expected.points)
        assert [(e.claim, e.points) for e in bare.evidence] == [(e.claim, e.points) for e in expected.evidence]
        points, evidence = plain(one, other, linker.statistics, linker.weights)
        assert (points, evidence) == (expected.points, expected.evidence)
    assert kept >= 300


@settings(max_examples=40, deadline=None)
@given(floor=st.floats(-12, 12), at=st.integers(0, 300))
def test_the_sieve_holds_at_any_floor(linker: Linker, here: list[Parsed], there: list[Parsed], floor: float,
                                      at: int) -> None:  # fmt: skip
    sieve, whole = Sieve(linker.weights, floor), Sieve(linker.weights, -1_000.0)
    for other in there[at::97]:
        pair = Pair(here[at], other, linker.statistics)
        everything = whole.cells(pair)
        assert everything is not None
        expected = everything if linker.weights.sum(everything) >= floor else None
        assert sieve.cells(Pair(here[at], other, linker.statistics)) == expected


def test_counts_add_up_however_they_were_parted(here: list[Parsed], there: list[Parsed]) -> None:
    whole = Statistics.build([*here, *there])
    tallies = [Tally() for _ in range(7)]
    for at, record in enumerate([*there, *here]):
        tallies[at % 7].add(record)
    assert Statistics.of(tallies) == whole
    assert Statistics.of(tallies).version == whole.version
    names: dict[str, set[str]] = {}
    for record in (*here, *there):
        if record.domain:
            names.setdefault(record.domain, set()).add(record.names[0].joined[:60] if record.names else "")
    assert whole.domains == {domain: len(users) for domain, users in names.items() if len(users) > 1}


def test_heaps_share_no_record_and_decide_as_one(linker: Linker, here: list[Parsed], there: list[Parsed]) -> None:
    sides = (Side.of(here), Side.of(there))
    pairs = compare(sides, linker, 0, len(here))
    apart = heaps(pairs, 50)
    assert len(apart) > 5
    seen: set[Place] = set()
    for heap in apart:
        places = {place for pair in heap for place in (pair.one, pair.other)}
        assert seen.isdisjoint(places)
        seen |= places
    in_heaps = [link for heap in apart for link in _decided(linker, sides, heap)]
    together = _decided(linker, sides, [pair for heap in apart for pair in heap])
    assert len(in_heaps) == len(together) > 200
    assert set(in_heaps) == set(together)


def _decided(linker: Linker, sides: tuple[Side, Side], heap: list[Compared]) -> list[tuple[object, ...]]:
    edges = [edge_of(pair, lambda place: sides[place[0]].records[place[1]], linker) for pair in heap]
    made = linker.decide(edges, lambda ref: "direct" if ref.connection == "right" else "filed", {})
    return [(str(link.left), str(link.right), link.points, link.band.value) for link in made.links]


def bulk(folder: Path, here: list[Part], there: list[Part], engine: str = "process", count: int = 1) -> list[BulkLink]:
    """Both lists through files and an engine."""
    with workers_of(engine, count) as workers:
        tallies = [*store(here, folder / "left", workers), *store(there, folder / "right", workers)]
        settings = Settings(engine=engine)
        return list(link_stored(folder / "left", folder / "right", Statistics.of(tallies), settings, workers))


@pytest.mark.parametrize(("engine", "count"), [("process", 1), ("process", 2), ("duckdb", 2)])
def test_bulk_linking_is_linking_in_memory(tmp_path: Path, engine: str, count: int) -> None:
    found = bulk(tmp_path, [filed], [first_half, second_half], engine, count)
    assert len(open_list(tmp_path / "right")[0]) == ACCOUNTS
    memory = link_lists(filed(), accounts())
    assert len(memory) > 200
    assert sorted(found, key=lambda link: (-link.score, link.left, link.right)) == memory
    assert [link.points for link in memory] == [link.points for link in link_all(filed(), accounts())]


def test_large_lists_are_linked_by_processes_with_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = link_lists(filed(), first_half())
    monkeypatch.setattr("syncd.jobs.bulk.IN_MEMORY", 100)
    assert link_lists(filed(), first_half()) == memory


def test_bulk_links_say_why(tmp_path: Path) -> None:
    links = bulk(tmp_path, [filed], [first_half])
    assert all(link.reason for link in links)
    assert any("web domain" in link.reason for link in links)


def test_empty_lists_make_no_links(tmp_path: Path) -> None:
    assert bulk(tmp_path / "1", [], [first_half]) == bulk(tmp_path / "2", [filed], []) == bulk(tmp_path / "3", [], [])


def test_an_unknown_engine_is_told() -> None:
    with pytest.raises(UserError, match="There is no engine steam"):
        link_lists([], [], Settings(engine="steam"))


@pytest.mark.parametrize(("engine", "module"), [("duckdb", "duckdb"), ("spark", "pyspark.sql")])
def test_an_engine_that_is_not_installed_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engine: str, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match="pip install"):
        bulk(tmp_path, [filed], [filed], engine)


def test_a_universe_is_the_same_for_its_seed_and_another_for_another() -> None:
    again = list(universe.accounts(SEED, ACCOUNTS, 100, 200))
    assert again == list(universe.accounts(SEED, ACCOUNTS))[100:200]
    assert [row.fields for row in universe.accounts(SEED + 1, ACCOUNTS, 100, 200)] != [row.fields for row in again]
    kinds = {row.kind for row in universe.registrations(SEED, FILED_COUNT, ACCOUNTS)}
    assert kinds == set(universe.KINDS)
    assert sum(universe.KINDS.values()) == pytest.approx(1.0)
