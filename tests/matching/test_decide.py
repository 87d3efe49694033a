"""Decisions over pairs: bands, rivals, what people judged, organizations, and that the order of arrival is nothing."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.matching import Decided, Edge, Linker, Statistics, Thresholds, edges_between, parse, shipped_weights
from syncd.matching.decide import speaks_against
from syncd.model import Account, Band, Evidence, Judgement, Link, Ref

SAME, DIFFERENT, UNSURE = Judgement.SAME, Judgement.DIFFERENT, Judgement.UNSURE
EMPTY = Linker(Statistics.build([]))


def filed(n: int | str) -> Ref:
    return Ref("prm", "company", str(n))


def direct(n: int | str) -> Ref:
    return Ref("crm", "account", str(n))


def role(ref: Ref) -> str:
    return "direct" if ref.connection == "crm" else "filed"


def edge(one: Ref, other: Ref, points: float, *claims: str) -> Edge:
    a, b = sorted((one, other))
    evidence = (Evidence("to_begin_with", points, "so far"), *(Evidence(claim, 0.0, claim) for claim in claims))
    return Edge(a, b, points, evidence)


def decide(edges: list[Edge], judgements: Mapping[tuple[Ref, Ref], Judgement] | None = None) -> Decided:
    return EMPTY.decide(edges, role, judgements or {})


def link(decided: Decided, one: Ref, other: Ref) -> Link:
    return next(k for k in decided.links if {k.left, k.right} == {one, other})


def together(decided: Decided, *refs: Ref) -> bool:
    return any(set(refs) <= group for group in decided.groups)


def test_a_strong_pair_without_rivals_is_automatic_and_joins() -> None:
    decided = decide([edge(filed(1), direct(1), 9)])
    found = link(decided, filed(1), direct(1))
    assert (found.left, found.right, found.band) == (filed(1), direct(1), Band.AUTO)
    assert found.points == pytest.approx(sum(e.points for e in found.evidence), abs=0.002)
    assert found.score == pytest.approx(shipped_weights().probability(found.points))
    assert together(decided, filed(1), direct(1))


def test_two_accounts_that_fit_go_to_a_person() -> None:
    decided = decide([edge(filed(1), direct(1), 12), edge(filed(1), direct(2), 11)])
    assert link(decided, filed(1), direct(1)).band is Band.REVIEW
    assert "Two accounts fit" in link(decided, filed(1), direct(1)).reason
    assert not together(decided, filed(1), direct(1))


def test_duplicates_of_the_account_are_no_rivals() -> None:
    decided = decide([edge(filed(1), direct(1), 12), edge(filed(1), direct(2), 11), edge(direct(1), direct(2), 12)])
    assert link(decided, filed(1), direct(1)).band is Band.AUTO
    assert together(decided, filed(1), direct(1), direct(2))


def test_a_better_account_takes_the_filing() -> None:
    decided = decide([edge(filed(1), direct(1), 14), edge(filed(1), direct(2), 4)])
    assert link(decided, filed(1), direct(1)).band is Band.AUTO
    assert not together(decided, filed(1), direct(2))
    assert all(k.band is not Band.AUTO for k in decided.links if k.right == direct(2))


@pytest.mark.parametrize("claim", ["different_numbers", "no_word_agrees", "different_places", "both_have_own_words"])
def test_a_veto_leaves_it_to_a_person(claim: str) -> None:
    found = link(decide([edge(filed(1), direct(1), 15, claim)]), filed(1), direct(1))
    assert found.band is Band.REVIEW
    assert "Held:" in found.reason


def test_different_tax_numbers_are_no_link() -> None:
    assert decide([edge(filed(1), direct(1), 15, "different_tax_id")]).links == ()


@pytest.mark.parametrize("points", [-6.0, 0.0, 5.0, 20.0])
def test_a_persons_word_outlives_every_score(points: float) -> None:
    pair = (direct(1), filed(1))
    edges = [edge(*pair, points), edge(filed(1), direct(2), 19)]
    same = link(decide(edges, {pair: SAME}), *pair)
    assert (same.band, same.judgement) == (Band.AUTO, SAME)
    assert together(decide(edges, {pair: SAME}), *pair)
    different = decide(edges, {pair: DIFFERENT})
    assert all({k.left, k.right} != set(pair) for k in different.links)
    assert not together(different, *pair)
    unsure = link(decide(edges, {pair: UNSURE}), *pair)
    assert (unsure.band, unsure.judgement) == (Band.REVIEW, UNSURE)


def test_a_judged_pair_needs_no_key() -> None:
    decided = decide([], {(direct(1), filed(1)): SAME})
    assert link(decided, filed(1), direct(1)).band is Band.AUTO
    assert "Not found by any key" in link(decided, filed(1), direct(1)).reason


def test_judged_different_frees_the_next_best() -> None:
    edges = [edge(filed(1), direct(1), 12), edge(filed(1), direct(2), 12)]
    decided = decide(edges, {(direct(1), filed(1)): DIFFERENT})
    assert link(decided, filed(1), direct(2)).band is Band.AUTO


def test_no_chain_brings_together_what_a_person_parted() -> None:
    edges = [edge(direct(1), direct(2), 15), edge(direct(2), direct(3), 14), edge(direct(1), direct(3), 13)]
    decided = decide(edges, {(direct(1), direct(3)): DIFFERENT})
    assert together(decided, direct(1), direct(2))
    assert not together(decided, direct(1), direct(3))


def test_accounts_are_duplicates_only_if_all_of_them_fit() -> None:
    decided = decide([edge(direct(1), direct(2), 15), edge(direct(2), direct(3), 14)])
    assert together(decided, direct(1), direct(2))
    assert not together(decided, direct(2), direct(3))
    assert link(decided, direct(2), direct(3)).band is Band.REVIEW


def test_filed_companies_unknown_to_the_crm_join_each_other() -> None:
    decided = decide([edge(filed(1), filed(2), 12), edge(filed(3), direct(1), 12)])
    assert together(decided, filed(1), filed(2))


def test_a_filed_company_follows_its_twin_unless_its_own_account_is_under_review() -> None:
    edges = [edge(filed(1), direct(1), 12), edge(filed(1), filed(2), 12)]
    assert together(decide(edges), filed(1), filed(2), direct(1))
    decided = decide([*edges, edge(filed(2), direct(2), -1)])
    assert link(decided, filed(2), direct(2)).band is Band.REVIEW
    assert not together(decided, filed(1), filed(2))


def test_twins_never_join_two_accounts() -> None:
    edges = [edge(filed(1), direct(1), 12), edge(filed(2), direct(2), 12), edge(filed(1), filed(2), 12)]
    decided = decide(edges)
    assert not together(decided, direct(1), direct(2))
    assert link(decided, filed(1), filed(2)).band is Band.REVIEW


_refs = st.sampled_from([filed(n) for n in range(5)] + [direct(n) for n in range(5)])
_claims = st.sampled_from(["same_name", "different_numbers", "different_tax_id", "different_legal_form"])
_edges = st.lists(
    st.builds(
        lambda one, other, points, claim: (one, other, points, claim),
        _refs, _refs, st.sampled_from([-5.0, 0.0, 3.0, 7.0, 7.5, 12.0, 15.0]), st.one_of(st.none(), _claims),
    ).filter(lambda e: e[0] != e[1]),
    max_size=25,
    unique_by=lambda e: frozenset(e[:2]),
)  # fmt: skip
_judged = st.dictionaries(
    st.tuples(_refs, _refs).filter(lambda p: p[0] < p[1]), st.sampled_from(list(Judgement)), max_size=5
)


@given(raw=_edges, judged=_judged, seed=st.integers(0, 10**6))
def test_whatever_comes_the_order_is_nothing_and_the_rules_hold(
    raw: list[tuple[Ref, Ref, float, str | None]], judged: dict[tuple[Ref, Ref], Judgement], seed: int
) -> None:
    edges = [edge(one, other, points, *([claim] if claim else [])) for one, other, points, claim in raw]
    decided = decide(edges, judged)
    mixed = list(edges)
    random.Random(seed).shuffle(mixed)
    swapped = {(b, a): judgement for (a, b), judgement in reversed(judged.items())}
    assert decide(mixed, swapped) == decided

    group_of = {ref: group for group in decided.groups for ref in group}
    assert sum(map(len, decided.groups)) == len(group_of)
    for (a, b), judgement in judged.items():
        if judgement is DIFFERENT:
            assert group_of[a] != group_of[b]
    assert _parts(decided) == set(decided.groups)
    for found in decided.links:
        assert found.band is not Band.NONE
        assert found.points == pytest.approx(sum(e.points for e in found.evidence), abs=0.002)
        if role(found.left) != role(found.right):
            assert role(found.left) == "filed"
    for ref in group_of:
        targets = {group_of[k.right] for k in decided.links if k.left == ref and k.band is Band.AUTO}
        assert len(targets) <= 1


def _parts(decided: Decided) -> set[frozenset[Ref]]:
    """Organizations by another road: the connected parts of the automatic links."""
    part = {ref: {ref} for group in decided.groups for ref in group}
    for found in decided.links:
        if found.band is Band.AUTO:
            joined = part[found.left] | part[found.right]
            for ref in joined:
                part[ref] = joined
    return {frozenset(members) for members in part.values()}


def test_one_record_at_a_time_gives_the_edges_of_all_at_once() -> None:
    accounts = [Account(direct(n), f"Halden {word} Ltd", country="GB")
                for n, word in enumerate(("Joinery", "Joiners", "Foods", "Joinery Works"))]  # fmt: skip
    companies = [Account(filed(n), f"HALDEN {word}", country="GB") for n, word in enumerate(("JOINERY", "FOOD"))]
    here, there = [parse(a) for a in companies], [parse(a) for a in accounts]
    linker = Linker(Statistics.build([*here, *there]))
    at_once = {(e.a, e.b): e for e in edges_between(linker, here, there)}
    everyone = [*here, *there]
    one_by_one = {(e.a, e.b): e for record in everyone for e in linker.edges_of(record, everyone)}
    assert at_once.items() <= one_by_one.items()
    assert linker.decide(at_once.values(), role, {}) == linker.decide(reversed(at_once.values()), role, {})


def test_what_people_said_holds_for_what_is_the_same() -> None:
    edges = [edge(filed(2), direct(1), 15), edge(filed(2), direct(2), 3), edge(filed(1), filed(2), 1)]
    said = {(filed(1), filed(2)): SAME, (direct(1), filed(1)): DIFFERENT}
    decided = decide(edges, said)
    assert all({k.left, k.right} != {filed(2), direct(1)} for k in decided.links), "same as the one that is different"
    assert link(decided, filed(2), direct(2)).band is Band.AUTO, "and it is no rival either"
    said = {(filed(1), filed(2)): SAME, (direct(1), filed(1)): SAME}
    followed = link(decide(edges, said), filed(2), direct(1))
    assert (followed.band, followed.judgement) == (Band.AUTO, SAME)
    assert "records that are the same" in followed.reason


def test_of_words_that_cannot_all_be_true_the_newest_is_heard_and_the_other_shown() -> None:
    said = {(direct(1), direct(2)): SAME, (direct(2), direct(3)): SAME, (direct(1), direct(3)): DIFFERENT}
    for newest, older in (((direct(1), direct(2)), (direct(2), direct(3))),
                          ((direct(2), direct(3)), (direct(1), direct(2)))):  # fmt: skip
        decided = EMPTY.decide([], role, said, {newest: 9, older: 4, (direct(1), direct(3)): 1})
        assert together(decided, *newest)
        assert not together(decided, direct(1), direct(3))
        held = link(decided, *older)
        assert (held.band, held.judgement) == (Band.REVIEW, SAME)
        assert "judged others of the group different" in held.reason


def test_a_word_against_strong_evidence_stands_and_is_flagged() -> None:
    pair = (direct(1), filed(1))
    same = link(decide([edge(*pair, -4, "different_tax_id")], {pair: SAME}), *pair)
    assert same.band is Band.AUTO
    assert "although their tax or register numbers differ" in same.reason
    agreed = link(decide([edge(*pair, 9)], {pair: SAME}), *pair)
    assert "although" not in agreed.reason
    assert speaks_against(DIFFERENT, edge(*pair, 9, "same_tax_id").evidence)
    assert not speaks_against(DIFFERENT, edge(*pair, 9).evidence)


@pytest.mark.parametrize("claim", ["different_places", "both_have_own_words", "different_numbers"])
def test_another_company_of_the_group_is_shown_as_that_and_is_no_link(claim: str) -> None:
    found = link(decide([edge(filed(1), direct(1), 12, claim, "same_domain")]), filed(1), direct(1))
    assert (found.band, found.is_same_group) == (Band.REVIEW, True)
    assert "Same group" in found.reason
    assert not link(decide([edge(filed(1), direct(1), 12, claim)]), filed(1), direct(1)).is_same_group
    assert not link(decide([edge(filed(1), direct(1), 12, "same_domain")]), filed(1), direct(1)).is_same_group


def test_one_web_site_and_two_tax_numbers_is_a_group() -> None:
    edges = [edge(filed(1), direct(1), 12, "different_tax_id", "same_domain")]
    assert link(decide(edges), filed(1), direct(1)).is_same_group
    assert not together(decide(edges), filed(1), direct(1))


def test_each_connection_may_have_bands_of_its_own_and_the_more_careful_one_holds() -> None:
    sure = [edge(filed(1), direct(1), 5.5)]
    points = link(decide(sure), filed(1), direct(1)).points
    between = shipped_weights().probability(points)
    careful, bold = (between + 1) / 2, between / 2
    assert Thresholds(connections={"prm": (careful, 0.2)}).across(filed(1), direct(1)) == (careful, 0.10)
    for connections, band in (({}, Band.AUTO), ({"prm": (careful, 0.1)}, Band.REVIEW),
                              ({"crm": (careful, 0.1), "prm": (bold, 0.1)}, Band.REVIEW)):  # fmt: skip
        linker = Linker(Statistics.build([]))
        linker.thresholds = Thresholds(auto=bold, connections=connections)
        assert link(linker.decide(sure, role, {}), filed(1), direct(1)).band is band
