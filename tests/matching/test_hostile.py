"""Hostile input is bounded in time and memory: empty, endless, unreadable and endlessly repeated names."""

from __future__ import annotations

import time
from itertools import combinations

import pytest

from syncd.matching import Linker, Statistics, keys, link_all, parse, query_keys
from syncd.matching.columns import pack, unpack
from syncd.matching.hashes import hashes
from syncd.matching.link import candidate_pairs
from syncd.model import Account, Band, Ref

HOSTILE = {
    "nothing": "",
    "blanks": " \t\n\u00a0\u200b ",
    "one letter": "x",
    "dots": "." * 10_000,
    "ten thousand letters": "a" * 10_000,
    "ten thousand words": "acme " * 2_000,
    "ten thousand dotted letters": "a." * 5_000,
    "brackets": "(" * 5_000 + ")" * 5_000,
    "aliases": "acme t/a " * 1_000,
    "controls": "".join(map(chr, range(32))) * 300,
    "zero bytes": "acme\x00steel\x00" * 800,
    "mixed scripts": "Асмe Αcme アクメ اكمي אקמה अक्मे 주식회사 " * 200,
    "emoji": "🚀👩‍👩‍👧‍👦🏳️‍🌈 Rocket 🚀 GmbH" * 400,
    "combining marks": "e" + "\u0301" * 10_000,
    "right to left": "\u202eemca\u202c GmbH" * 500,
    "lone surrogates": "\ud800acme\udfff" * 500,
    "full width": "ＡＣＭＥ　ＬＴＤ" * 500,
    "legal forms only": "GmbH AG KG Ltd LLC Inc " * 300,
    "numbers": "1 2 3 " * 2_000,
    "ligatures that grow": "\ufdfa" * 10_000,
}


def hostile(name: str, id_: str = "1", side: str = "left") -> Account:
    """An account all of whose fields are the hostile text."""
    return Account(
        Ref(side, "company", id_), name=name, other_names=(name,) * 50, website=name, email=f"{name}@{name}",
        phone=name, street=name, city=name, postcode=name, country=name, vat_number=name, registration_number=name,
        duns=name,
    )  # fmt: skip


@pytest.fixture(scope="module")
def linker() -> Linker:
    """A linker over the hostile records."""
    return Linker(Statistics.build(parse(hostile(text, str(n))) for n, text in enumerate(HOSTILE.values())))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_record_is_read_in_bounded_time_and_space(text: str) -> None:
    begun = time.process_time()
    record = parse(hostile(text))
    found = query_keys(record)
    assert time.process_time() - begun < 0.5
    assert len(pack(record)) < 20_000
    assert len(keys(record)) <= len(found) <= 100
    assert all(len(key) < 250 for key in found)
    assert len(hashes(found)) == len(found)
    assert unpack(pack(record)) == record


def test_hostile_pairs_are_scored_alike_from_both_sides(linker: Linker) -> None:
    records = [parse(hostile(text, str(n))) for n, text in enumerate(HOSTILE.values())]
    begun = time.process_time()
    for one, other in combinations(records, 2):
        assert linker.edge(one, other) == linker.edge(other, one)
    assert time.process_time() - begun < 10


def test_fifty_thousand_records_of_one_name_are_linked_in_bounded_time_and_space() -> None:
    """All share one key, so that only the first few can be looked at, and none is surely the one."""
    crowd = [Account(Ref("right", "company", str(n)), name="Acme Steel Ltd") for n in range(50_000)]
    filed = [Account(Ref("left", "company", str(n)), name="ACME STEEL") for n in range(50)]
    begun = time.process_time()
    links = link_all(filed, crowd)
    assert time.process_time() - begun < 30
    assert {link.left for link in links} == {account.ref for account in filed}
    assert all(link.band is Band.REVIEW for link in links)
    pairs = list(candidate_pairs([parse(account) for account in filed], [parse(account) for account in crowd[:5_000]]))
    assert len(pairs) <= 50 * 40


def test_a_record_without_anything_finds_nobody_and_disturbs_nobody(linker: Linker) -> None:
    blank = parse(Account(Ref("left", "company", "1")))
    full = Account(Ref("right", "company", "1"), name="Acme Steel Ltd", website="acme.com")
    assert blank.is_blank
    assert query_keys(blank) == ()
    assert linker.edge(blank, parse(full)) is None
    filed = [Account(blank.ref), Account(Ref("left", "company", "2"), name="Acme Steel")]
    assert [link.left.id for link in link_all(filed, [full])] == ["2"]
    assert link_all([], []) == link_all(filed, []) == link_all([], [full]) == []
