"""Packed postings answer like plain sets of keys, whatever came and went since they were packed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.matching import neighbours
from syncd.matching.neighbours import Rarity
from syncd.matching.postings import PackedPostings, Said, pack
from syncd.model import Ref

KEYS = [f"t:{letter}" for letter in "abcdefgh"]
RARITY = Rarity(100, {"t:a": 60, "t:b": 40, "t:c": 12, "t:d": 700})
REFS = [Ref("crm", "Account", str(n)) for n in range(8)] + [Ref("prm", "company", str(n)) for n in range(6)]

_keys = st.lists(st.sampled_from(KEYS), max_size=5, unique=True)
_said = st.builds(lambda role, own, asking: Said(role, own, asking if role == "filed" else []),
                  st.sampled_from(["direct", "filed"]), _keys, _keys)  # fmt: skip
_records = st.dictionaries(st.sampled_from(REFS), _said)
_changes = st.lists(st.dictionaries(st.sampled_from(REFS), st.none() | _said, max_size=4), max_size=4)


def worth(keys: Iterable[str]) -> int:
    return sum(RARITY.of(key) for key in set(keys))


def under(there: Mapping[Ref, Said], kind: str, crowded: int) -> dict[str, set[Ref]]:
    """Who has which key, for keys that tell something and that few enough have."""
    found: dict[str, set[Ref]] = {key: set() for key in KEYS if RARITY.of(key)}
    for ref, said in there.items():
        for key in said.asking if kind == "asking" else said.keys if kind == said.role else ():
            found.get(key, set()).add(ref)
    return {key: refs for key, refs in found.items() if len(refs) <= crowded}


def shared(there: Mapping[Ref, Said], kind: str, keys: Iterable[str], crowded: int) -> dict[Ref, int]:
    have = under(there, kind, crowded)
    found = {ref: worth(key for key in keys if ref in have.get(key, ())) for ref in there}
    return {ref: total for ref, total in found.items() if total}


@given(first=_records, changes=_changes, asked=_keys, merge=st.booleans(), crowded=st.sampled_from([3, 100]))
def test_packed_postings_answer_like_plain_sets(
    first: dict[Ref, Said], changes: list[dict[Ref, Said | None]], asked: list[str], merge: bool, crowded: int
) -> None:
    there: dict[Ref, Said] = dict(first)
    packed = PackedPostings(pack(first.items(), RARITY), RARITY)
    for change in changes:
        packed.follow(change)
        there = {ref: said for ref, said in (there | change).items() if said is not None}
        packed = PackedPostings(packed.merged(), RARITY) if merge else packed
    assert len(packed) == len(there)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "CROWDED", crowded)
        for kind in ("direct", "filed", "asking"):
            every = shared(there, kind, asked, crowded)
            for least in (0, 1, 350, 900):
                expected = {ref: total for ref, total in every.items() if total >= least}
                assert packed.shared(kind, asked, least) == expected
            best = packed.shared(kind, asked, most=2)
            ranked = sorted(every.values(), reverse=True)
            assert best == {ref: total for ref, total in every.items() if total >= [*ranked, 0, 0][1]}
        own, all_worth = REFS[0], worth(asked)
        alike = {ref for ref, total in shared(there, "direct", asked, crowded).items()
                 if ref != own and total >= neighbours.SHARE * max(all_worth, worth(there[ref].keys))}  # fmt: skip
        assert set(packed.alike("direct", asked, own)) == alike


def test_only_companies_whose_list_may_change_are_named_as_askers() -> None:
    near, full, far = REFS[8:11]
    packed = PackedPostings(
        pack([(ref, Said("filed", [], ["t:e", "t:f"])) for ref in (near, full, far)], RARITY), RARITY
    )
    together = worth(["t:e", "t:f"])
    packed.reaches([(full, together), (far, together + 1)])
    assert packed.askers(["t:e", "t:f"]) == {near: together, full: together}
    packed.follow({far: Said("filed", ["t:a"], ["t:e", "t:f"])})
    assert far not in packed.askers(["t:e", "t:f"]), "a company that changed keeps its reach until it is looked up"
    packed.reaches([], [far])
    assert packed.askers(["t:e", "t:f"])[far] == together
