"""At frozen statistics, what says the same is linked the same: sides, case, accents, blanks, strangers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.demo import companies
from syncd.matching import Linker, Statistics, link_all, parse
from syncd.model import Account, Link, Ref

_TRUTH = companies.truth()[:400]
_LEFT = {company.id: company for company in companies.left()}
_RIGHT = {company.id: company for company in companies.right()}


def employer(side: str, company: companies.Company) -> Account:
    """A company of one of the demo's lists."""
    return Account(
        Ref(side, "company", company.id), company.name, website=company.website or None,
        street=company.address or None, postcode=company.postcode or None, country=company.country,
    )  # fmt: skip


LEFT = [employer("left", _LEFT[pair.left]) for pair in _TRUTH]
RIGHT = [employer("right", _RIGHT[pair.right]) for pair in _TRUTH]
STATISTICS = Statistics.build(parse(one) for one in (*LEFT, *RIGHT))
SAMPLE = st.lists(st.integers(0, 399), min_size=5, max_size=40, unique=True)


def links(left: Sequence[Account], right: Sequence[Account]) -> dict[tuple[Ref, Ref], Link]:
    return {(k.left, k.right): k for k in link_all(left, right, statistics=STATISTICS)}


def told(found: dict[tuple[Ref, Ref], Link]) -> dict[tuple[Ref, Ref], tuple[float, str]]:
    return {pair: (link.score, link.band.value) for pair, link in found.items()}


def chosen(numbers: Sequence[int]) -> tuple[list[Account], list[Account]]:
    """The same employers on both sides."""
    return [LEFT[n] for n in numbers], [RIGHT[n] for n in numbers]


ACCENTS = str.maketrans("aeouAEOU", "áéóúÁÉÓÚ")
SAYING_THE_SAME: dict[str, Callable[[str], str]] = {
    "upper case": str.upper,
    "lower case": str.lower,
    "accents": lambda name: name.translate(ACCENTS),
    "extra blanks": lambda name: f"  {name.replace(' ', '   ')}\t",
}


@pytest.mark.parametrize("how", SAYING_THE_SAME)
@settings(max_examples=4)
@given(numbers=SAMPLE)
def test_case_accents_and_blanks_change_no_link(how: str, numbers: list[int]) -> None:
    left, right = chosen(numbers)
    written = [replace(one, name=SAYING_THE_SAME[how](one.name or "")) for one in left]
    assert told(links(written, right)) == told(links(left, right))


@settings(max_examples=8)
@given(numbers=SAMPLE, data=st.data())
def test_the_order_of_either_list_changes_nothing(numbers: list[int], data: st.DataObject) -> None:
    left, right = chosen(numbers)
    assert links(data.draw(st.permutations(left)), data.draw(st.permutations(right))) == links(left, right)


@settings(max_examples=8)
@given(numbers=SAMPLE)
def test_a_pair_scores_the_same_from_either_side(numbers: list[int]) -> None:
    linker = Linker(STATISTICS)
    here, there = ([parse(one) for one in some] for some in chosen(numbers))
    for one, other in zip(here, there, strict=True):
        assert linker.edge(one, other) == linker.edge(other, one)


@settings(max_examples=8)
@given(numbers=SAMPLE)
def test_strangers_that_share_no_key_with_anybody_change_no_link(numbers: list[int]) -> None:
    left, right = chosen(numbers)
    strangers = [Account(Ref("right", "company", f"zq{n}"), f"Zzqxu{n}w Qyxvo{n}k") for n in range(5)]
    assert links(left, [*right, *strangers]) == links(left, right)


def test_the_evidence_of_every_link_adds_up_to_its_points() -> None:
    found = links(LEFT, RIGHT)
    assert len(found) > 100
    for link in found.values():
        assert link.points == pytest.approx(sum(e.points for e in link.evidence), abs=0.002)
