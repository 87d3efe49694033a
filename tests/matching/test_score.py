"""What must hold of every score: it adds up, is the same from both sides, and says why."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from syncd.matching import Linker, MemoryCandidates, Parsed, Weights, parse, query_keys, score, shipped_weights
from syncd.matching.claims import CLAIMS
from syncd.matching.points import AMONG_RIVALS, BEGIN
from syncd.matching.train import LADDERS
from syncd.model import Account, Candidates, Ref


def _pairs(employers: Sequence[Parsed], count: int) -> list[tuple[Parsed, Parsed]]:
    index: Candidates = MemoryCandidates(employers)
    by_ref = {record.ref: record for record in employers}
    return [(r, by_ref[ref]) for r in employers[:count] for ref, _ in index.find(query_keys(r), r.ref, 4)]


def test_evidence_adds_up_to_the_points_and_reads_the_same_from_both_sides(
    employers: list[Parsed], linker: Linker
) -> None:
    pairs = _pairs(employers, 150)
    assert len(pairs) > 300
    for one, other in pairs:
        points, evidence = score(one, other, linker.statistics, linker.weights)
        assert points == pytest.approx(sum(e.points for e in evidence), abs=0.002)
        assert (points, evidence) == score(other, one, linker.statistics, linker.weights)
        assert all(e.sentence for e in evidence)


def test_edges_are_scores_above_the_floor(employers: list[Parsed], linker: Linker) -> None:
    for one, other in _pairs(employers, 60):
        for edge in linker.edges_of(one, [other, one]):
            assert edge.a < edge.b
            assert (edge.points, edge.evidence) == score(one, other, linker.statistics, linker.weights)
            assert linker.edges_of(other, [one]) == [edge]


def test_every_claim_says_what_it_claims_and_has_points() -> None:
    claims = {cell[0] for cell in shipped_weights().points}
    for claim in CLAIMS:
        sentence = (claim.__doc__ or "").strip()
        assert sentence
        assert "\n" not in sentence
        assert claim.__name__ in claims


def test_the_points_table_never_says_that_less_is_more() -> None:
    points = shipped_weights().points
    for ladder in LADDERS:
        claim, levels = ladder.split(": ")
        values = [0.0 if level == "0" else points[claim, level] for level in levels.split()]
        assert values == sorted(values, reverse=True), ladder


def test_the_points_table_survives_the_store() -> None:
    weights = shipped_weights()
    again = Weights.from_json(weights.to_json())
    assert again == weights
    assert again.version == weights.version
    assert {BEGIN, AMONG_RIVALS} <= set(again.points)


def test_an_explanation_tells_what_was_compared_and_what_no_key_found(linker: Linker) -> None:
    one = parse(Account(Ref("prm", "c", "1"), "Halden Joinery Ltd", website="halden.com", country="GB"))
    other = parse(Account(Ref("crm", "a", "1"), "HALDEN JOINERY", website="www.halden.com", country="GB"))
    stranger = parse(Account(Ref("crm", "a", "2"), "Brunvik Fisheries"))
    assert "halden.com" in linker.explain(one, other)
    assert "Found by:" in linker.explain(one, other)
    assert "Not found by any key" in linker.explain(one, stranger)
    assert linker.explain(one, other) == linker.explain(other, one).replace(*_swapped(one, other))


def _swapped(one: Parsed, other: Parsed) -> tuple[str, str]:
    heads = [f"“{r.title}” ({r.ref})" for r in (one, other)]
    return f"{heads[1]} and {heads[0]}", f"{heads[0]} and {heads[1]}"


@pytest.mark.parametrize("change", [str.upper, str.lower, lambda name: f"  {name.replace(' ', '   ')} "])
def test_case_and_spaces_change_no_score(employers: list[Parsed], linker: Linker, change: object) -> None:
    one = parse(Account(Ref("a", "a", "1"), "Société Halden & Fils (Lyon)", country="FR"))
    same = parse(Account(Ref("a", "a", "1"), change("Société Halden & Fils (Lyon)"), country="FR"))  # type: ignore[operator]
    assert same.names == one.names
