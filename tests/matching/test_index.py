"""What must hold of the key index: stable hashes, the same answer however it came to be, and bounded searches."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import universe
from syncd.matching import MemoryCandidates, Parsed, keys, parse, query_keys
from syncd.matching import index as index_module
from syncd.matching.columns import Column
from syncd.matching.hashes import hashes
from syncd.matching.index import KeyIndex
from syncd.matching.live import LiveSide, stored_keys
from syncd.matching.sides import index_of
from syncd.model import Ref


@pytest.fixture(scope="module")
def companies() -> list[Parsed]:
    """Accounts of a small universe, parsed."""
    return [parse(universe.as_account("right", row.fields)) for row in universe.accounts(3, 1_500)]


def live(records: list[Parsed]) -> LiveSide:
    """A side of these records that can change."""
    return LiveSide(Column.of(records), index_of([stored_keys(record) for record in records]))


def test_hashes_are_the_same_on_every_machine() -> None:
    assert [f"{value:016x}" for value in hashes(["w:acme", "t:", "d:müller.de"]).tolist()] == [
        "f20543bfbaf0b3f9",
        "ddc8508133a41f2f",
        "00de9bf454ff8e50",
    ]


@given(st.lists(st.text(max_size=20), max_size=30))
def test_a_key_hashes_alike_alone_and_among_others(found: list[str]) -> None:
    assert hashes(found).tolist() == [int(hashes([key])[0]) for key in found]


def test_different_keys_have_different_hashes(companies: list[Parsed]) -> None:
    found = {key for record in companies for key in query_keys(record)}
    found |= {f"t:{a}{b}{c}" for a in "abcdefghijklmnop" for b in "abcdefghijklmnop" for c in "0123456789abcdef" * 2}
    assert len(found) > 15_000
    assert len(set(hashes(sorted(found)).tolist())) == len(found)


def test_a_packed_record_is_the_record(companies: list[Parsed]) -> None:
    column = Column.of(companies)
    assert len(column) == len(companies)
    assert [column[number] for number in range(len(column))] == companies


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_changed_index_answers_like_one_built_anew(companies: list[Parsed], seed: int) -> None:
    chance = Random(seed)
    side = live(companies[:200])
    there = {record.ref: record for record in companies[:200]}
    for _ in range(chance.randrange(1, 120)):
        record = chance.choice(companies[:400])
        if chance.random() < 0.4:
            side.drop(record.ref)
            there.pop(record.ref, None)
        else:
            row = universe.account_of(seed, chance.randrange(900), 1_000)
            changed = parse(universe.as_account("right", row.fields))
            made = Parsed(record.ref, *[getattr(changed, field) for field in Parsed.__slots__ if field != "ref"])
            side.put(made)
            there[record.ref] = made
    anew = live(list(there.values()))
    assert len(side) == len(anew) == len(there)
    for record in chance.sample(companies, 40):
        assert _found(side, record) == _found(anew, record)


def _found(side: LiveSide, record: Parsed) -> set[tuple[Ref, float]]:
    asked, number = hashes(query_keys(record)), side.number_of(record.ref)
    own = np.array([-1 if number is None else number])
    found = side.index.find(asked, np.zeros(len(asked), dtype=np.int64), own, 1_000)
    least = found.bits.min() if len(found.bits) else 0.0  # which of the last that share alike are kept may differ
    return {(side[row].ref, bits) for row, bits in zip(found.rows.tolist(), found.bits.tolist(), strict=True)
            if bits > least}  # fmt: skip


def test_many_searches_at_once_find_what_each_finds_alone(companies: list[Parsed]) -> None:
    index = index_of([keys(record) for record in companies])
    asked = [hashes(query_keys(record)) for record in companies[:60]]
    searches = np.repeat(np.arange(60), [len(some) for some in asked])
    together = index.find(np.concatenate(asked), searches, np.arange(60), 24)
    for number, some in enumerate(asked):
        alone = index.find(some, np.zeros(len(some), dtype=np.int64), np.array([number]), 24)
        mine = together.searches == number
        assert together.rows[mine].tolist() == alone.rows.tolist()
        assert together.bits[mine].tolist() == alone.bits.tolist()
        assert number not in alone.rows


def test_what_shares_more_and_rarer_keys_comes_first() -> None:
    index = index_of([("t:acme", "t:steel"), ("t:steel",), ("t:steel", "d:acme.de"), ("t:other",)])
    asked = hashes(["t:acme", "t:steel"])
    found = index.find(asked, np.zeros(2, dtype=np.int64), np.array([-1]), 24)
    assert found.rows.tolist() == [0, 1, 2]
    assert found.bits[0] > found.bits[1] == found.bits[2]


def test_common_keys_count_only_together(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = [("t:energy",)] * 30 + [("t:services",)] * 30 + [("t:energy", "t:services")] * 2
    index = KeyIndex.build(
        hashes([key for some in crowd for key in some]),
        np.repeat(np.arange(len(crowd), dtype=np.uint32), [len(some) for some in crowd]),
        len(crowd),
        common=10,
    )
    asked = hashes(["t:energy", "t:services"])
    found = index.find(asked, np.zeros(2, dtype=np.int64), np.array([-1]), 24)
    assert found.rows.tolist() == [60, 61]
    monkeypatch.setattr(index_module, "MOST_TOGETHER", 1)
    assert not len(index.find(asked, np.zeros(2, dtype=np.int64), np.array([-1]), 24).rows)


def test_more_candidates_are_kept_where_they_are_equally_near() -> None:
    flat = index_of([("t:alpha",)] * 20 + [("t:beta", "d:beta.de", "f:12345678", "w:betagroup")] + [("t:beta",)] * 20)
    alike = flat.find(hashes(["t:alpha"]), np.zeros(1, dtype=np.int64), np.array([-1]), 24)
    assert len(alike.rows) == 20
    asked = hashes(["t:beta", "d:beta.de", "f:12345678", "w:betagroup"])
    steep = flat.find(asked, np.zeros(4, dtype=np.int64), np.array([-1]), 24)
    assert steep.rows[0] == 20
    assert len(steep.rows) < 10


def test_a_record_is_found_again_by_its_ref_and_not_by_itself(companies: list[Parsed]) -> None:
    side = live(companies[:300])
    for record in companies[:50]:
        number = side.number_of(record.ref)
        assert number is not None
        assert side[number] == record
        assert record.ref not in {other.ref for other in side.near(record)}
    assert side.number_of(Ref("right", "company", "nobody")) is None


def test_candidates_in_memory_follow_what_comes_and_goes(companies: list[Parsed]) -> None:
    known = MemoryCandidates(companies[:100])
    asked, own = query_keys(companies[100]), companies[100].ref
    known.add(own, keys(companies[100]))
    assert known.find(asked, Ref("left", "company", "1"), 8)[0][0] == own
    assert own not in [ref for ref, _ in known.find(asked, own, 8)]
    known.remove(own)
    known.remove(own)
    assert own not in [ref for ref, _ in known.find(asked, Ref("left", "company", "1"), 8)]


def test_an_empty_index_finds_nothing() -> None:
    index = index_of([])
    found = index.find(hashes(["t:acme"]), np.zeros(1, dtype=np.int64), np.array([-1]), 24)
    assert not len(found.rows)
    number = index.add(["t:acme"])
    assert index.find(hashes(["t:acme"]), np.zeros(1, dtype=np.int64), np.array([-1]), 24).rows.tolist() == [number]
