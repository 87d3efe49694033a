"""Review asks first what teaches most: unsure, costly, much depends on it, and not the same question twice."""

from __future__ import annotations

from itertools import pairwise
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.matching.review import pattern_of, questions, uncertainty
from syncd.model import Band, Evidence, Judgement, Link, Ref


def filed(n: int) -> Ref:
    return Ref("prm", "companies", f"{n:03}")


def account(n: int) -> Ref:
    return Ref("crm", "Account", f"{n:03}")


def role(ref: Ref) -> str:
    return "direct" if ref.connection == "crm" else "filed"


def link(one: Ref, other: Ref, score: float, claim: str = "words_agree", band: Band = Band.REVIEW,
         judgement: Judgement | None = None) -> Link:  # fmt: skip
    return Link(one, other, score, 0.0, band, (Evidence(claim, 2.0, "."),), judgement)


def asked(links: list[Link], hanging: dict[Ref, int] | None = None, most: int = 10) -> list[tuple[Ref, Ref]]:
    return [(q.link.left, q.link.right) for q in questions(links, role, hanging or {}, most)]


def test_even_odds_come_before_near_certainty() -> None:
    links = [link(filed(1), account(1), 0.95, "a"), link(filed(2), account(2), 0.5, "b")]
    assert asked(links)[0] == (filed(2), account(2))


def test_a_link_on_which_many_registrations_hang_comes_first() -> None:
    links = [link(filed(1), account(1), 0.5, "a"), link(filed(2), account(2), 0.5, "b")]
    assert asked(links, {account(2): 7})[0] == (filed(2), account(2))


def test_duplicates_of_one_side_wait_behind_links_that_block_somebody() -> None:
    links = [
        link(account(1), account(2), 0.5, "a"),
        link(filed(1), filed(2), 0.5, "b"),
        link(filed(3), account(3), 0.5),
    ]
    assert asked(links) == [(filed(3), account(3)), (filed(1), filed(2)), (account(1), account(2))]


def test_another_pattern_comes_before_the_same_question_again() -> None:
    alike = [link(filed(n), account(n), 0.5, "words_agree") for n in range(5)]
    other = link(filed(9), account(9), 0.6, "same_domain")
    found = questions([*alike, other], role, {}, 6)
    assert (filed(9), account(9)) == (found[1].link.left, found[1].link.right)
    assert [q.alike for q in found if pattern_of(q.link) == pattern_of(alike[0])] == [0, 1, 2, 3, 4]


def test_an_answer_may_settle_the_next_question_about_the_same_company() -> None:
    links = [link(filed(1), account(1), 0.5, "a"), link(filed(1), account(2), 0.5, "b"),
             link(filed(2), account(3), 0.75, "c")]  # fmt: skip
    assert asked(links)[1] == (filed(2), account(3))


def test_what_a_person_answered_and_what_is_certain_is_not_asked() -> None:
    links = [
        link(filed(1), account(1), 0.5, judgement=Judgement.UNSURE),
        link(filed(2), account(2), 0.999, band=Band.AUTO),
        link(filed(3), account(3), 0.975, band=Band.AUTO),
    ]
    assert asked(links) == [(filed(3), account(3))]


LINKS = st.lists(
    st.builds(
        link, st.integers(0, 9).map(filed), st.integers(0, 9).map(account), st.floats(0.0, 1.0),
        st.sampled_from("abc"), st.sampled_from([Band.AUTO, Band.REVIEW]),
    ),
    unique_by=lambda k: (k.left, k.right),
    max_size=40,
)  # fmt: skip


@given(LINKS, st.integers(1, 50), st.dictionaries(st.integers(0, 9).map(account), st.integers(0, 100)))
def test_values_fall_none_is_asked_twice_and_the_order_of_links_does_not_matter(
    links: list[Link], most: int, hanging: dict[Ref, int]
) -> None:
    found = questions(links, role, hanging, most)
    assert len(found) <= most
    assert all(a.value >= b.value - 1e-9 for a, b in pairwise(found))
    assert len({(q.link.left, q.link.right) for q in found}) == len(found)
    assert found == questions(links[::-1], role, hanging, most)


def test_uncertainty_is_in_bits() -> None:
    assert uncertainty(0.5) == 1.0
    assert uncertainty(1.0) == uncertainty(0.0) == 0.0
    assert uncertainty(0.25) == pytest.approx(0.25 * 2 + 0.75 * log2(4 / 3))
