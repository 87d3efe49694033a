"""An explanation adds up to the score, says how a pair was found, and what rivals, holds and people did to it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.matching import COMMON, Edge, Linker, Parsed, Statistics, Weights, keys, parse
from syncd.matching.explain import Explanation, explain, keys_between
from syncd.model import Account, Band, Judgement, Link, Ref

WORDS = st.sampled_from(["acme", "widgets", "north", "holdings", "uk", "2", "bakers", "brightwater", "services"])
ACCOUNTS = st.builds(
    dict,
    name=st.lists(WORDS, min_size=1, max_size=4).map(" ".join),
    website=st.sampled_from([None, "acme.com", "acme.co.uk", "north.de"]),
    postcode=st.sampled_from([None, "SW1A 1AA", "EC1V 7EB"]),
    phone=st.sampled_from([None, "+44 20 7946 0000", "+44 20 7946 0999"]),
    vat_number=st.sampled_from([None, "GB123456789", "GB987654321"]),
)


def role(ref: Ref) -> str:
    return "direct" if ref.connection == "right" else "filed"


def parsed(side: str, id_: str, name: str, **fields: object) -> Parsed:
    return parse(Account(Ref(side, "row", id_), name, **fields))  # type: ignore[arg-type]


class World:
    """A few records, linked."""

    def __init__(self, *records: Parsed, judged: dict[tuple[Ref, Ref], Judgement] | None = None) -> None:
        self.records = {record.ref: record for record in records}
        self.linker = Linker(Statistics.build(records))
        found = [self.linker.edge(a, b) for n, a in enumerate(records) for b in records[n + 1 :]]
        self.edges: list[Edge] = [edge for edge in found if edge is not None]
        self.links = {(k.left, k.right): k for k in self.linker.decide(self.edges, role, judged or {}).links}

    def explain(self, one: Ref, other: Ref, said: str = "", judgement: Judgement | None = None) -> Explanation:
        counts: dict[str, int] = {}
        for record in self.records.values():
            for key in keys(record):
                counts[key] = counts.get(key, 0) + 1
        a, b = self.records[one], self.records[other]
        known = keys_between(a, b, lambda asked: {key: counts.get(key, 0) for key in asked}, COMMON)
        titles = {ref: record.title for ref, record in self.records.items()}
        return explain(self.linker, a, b, known, self.links.get((one, other)), (), said, judgement, titles)


@given(st.lists(ACCOUNTS, min_size=2, max_size=6))
def test_points_add_up_to_the_score_for_links_and_non_links_alike(accounts: Sequence[dict[str, str | None]]) -> None:
    made = [parsed("left" if n % 2 else "right", str(n), **a) for n, a in enumerate(accounts)]  # type: ignore[arg-type]
    world = World(*made)
    for one in made:
        for other in made:
            if one.ref.connection == "left" and other.ref.connection == "right":
                told = world.explain(one.ref, other.ref)
                assert told.points == pytest.approx(sum(e.points for e in (*told.pair, *told.rivals)), abs=1e-6)
                assert told.score == pytest.approx(Weights.probability(told.points))
                link: Link | None = world.links.get((one.ref, other.ref))
                assert told.band is (link.band if link else Band.NONE)
                assert link is None or told.score == pytest.approx(link.score, abs=1e-3)
                assert told.outcome in told.in_words()


ACME = parsed("left", "1", "Acme Widgets", website="acme.com")
ACCOUNT = parsed("right", "1", "ACME WIDGETS LTD", website="acme.com", postcode="SW1A 1AA")
SISTER = parsed("right", "2", "Acme Widgets North Ltd", website="acme.com")
FOREIGN = parsed("right", "3", "Brightwater Foods", website="brightwater.de")


def test_how_the_pair_was_found_is_told_rarest_first() -> None:
    told = World(ACME, ACCOUNT, SISTER, FOREIGN).explain(ACME.ref, ACCOUNT.ref)
    assert told.keys.find
    assert told.keys.in_words().startswith("Found by: ")
    assert "web domain “acme.com”, 3 records" in told.keys.in_words()
    counts = [records for _, records in told.keys.shared]
    assert counts == sorted(counts)


def test_a_pair_that_no_key_brings_together_says_which_are_missing() -> None:
    told = World(ACME, ACCOUNT, FOREIGN).explain(ACME.ref, FOREIGN.ref)
    assert told.keys.in_words() == (
        "Not found by any key: no word in common; another web domain; neither has a postcode; "
        "neither has a house number and street; neither has a telephone; neither has a tax or register number"
    )
    assert told.outcome.startswith("No link: no key that is rare enough")


def test_rivals_are_named_with_what_they_count() -> None:
    told = World(ACME, ACCOUNT, SISTER).explain(ACME.ref, ACCOUNT.ref)
    said = " ".join(told.in_words())
    assert "“Acme Widgets North Ltd” (right/row/2)" in said
    assert told.rivals
    assert told.before_rivals == pytest.approx(sum(e.points for e in told.pair))


def test_a_hold_says_why_it_waits() -> None:
    one = parsed("left", "1", "Gores Holdings 2", website="gores.com", postcode="SW1A 1AA")
    other = parsed("right", "1", "Gores Holdings 3", website="gores.com", postcode="SW1A 1AA")
    told = World(one, other).explain(one.ref, other.ref)
    assert told.band is not Band.AUTO
    assert any("numbers" in line for line in told.in_words())


def test_a_different_tax_number_forbids_and_is_told_as_the_reason() -> None:
    one = parsed("left", "1", "Acme Widgets", vat_number="GB123456789")
    other = parsed("right", "1", "Acme Widgets", vat_number="GB987654321")
    told = World(one, other).explain(one.ref, other.ref)
    assert told.outcome == "No link: different tax or register numbers forbid it, whatever the score"


def test_a_persons_word_is_told_beside_what_the_score_would_say() -> None:
    pair = (ACME.ref, ACCOUNT.ref)
    unsure = World(ACME, ACCOUNT, judged={pair: Judgement.UNSURE}).explain(*pair, said="Ada said unsure.")
    assert unsure.band is Band.REVIEW
    assert unsure.outcome.endswith("a person said unsure, by itself it would be auto")
    assert "Ada said unsure." in unsure.in_words()
    different = World(ACME, ACCOUNT, judged={pair: Judgement.DIFFERENT})
    told = different.explain(*pair, judgement=Judgement.DIFFERENT)
    assert told.outcome == "No link: a person said different, which outlives every score"
    assert told.judgement is Judgement.DIFFERENT
