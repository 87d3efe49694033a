"""The bar: how well real companies, described by two people years apart, are linked by points that never saw them.

The shipped table learned from gpg_uk too, so it is not measured here: `without_gpg_uk.csv` is a table trained in the
same way on the other sets alone. `python -m bench.matching` trains both and prints the figures of all sets.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from syncd.demo import companies
from syncd.matching import MemoryCandidates, Weights, evaluate, link_all, parse, query_keys, shipped_weights
from syncd.model import Account, Band, Link, Ref

TABLE = Path(__file__).with_name("without_gpg_uk.csv")

Two = tuple[Ref, Ref]


def _account(side: str, company: companies.Company) -> Account:
    return Account(
        Ref(side, "company", company.id), company.name, website=company.website or None,
        street=company.address or None, postcode=company.postcode or None, country=company.country,
    )  # fmt: skip


@pytest.fixture(scope="module")
def lists() -> tuple[list[Account], list[Account]]:
    return [_account("left", c) for c in companies.left()], [_account("right", c) for c in companies.right()]


@pytest.fixture(scope="module")
def truth() -> dict[Two, bool]:
    return {(Ref("left", "company", pair.left), Ref("right", "company", pair.right)): pair.name_changed
            for pair in companies.truth()}  # fmt: skip


@pytest.fixture(scope="module")
def links(lists: tuple[list[Account], list[Account]]) -> list[Link]:
    told: list[tuple[str, int, int]] = []
    begun = time.process_time()
    weights = Weights.from_csv(TABLE.read_text(encoding="utf-8"))
    found = link_all(*lists, weights=weights, progress=lambda step, done, of: told.append((step, done, of)))
    assert time.process_time() - begun < 40
    assert told[-1][1] == told[-1][2]
    return found


def test_the_table_that_is_measured_has_the_claims_of_the_shipped_one_and_never_saw_this_set() -> None:
    table = Weights.from_csv(TABLE.read_text(encoding="utf-8"))
    assert table.trained_on.endswith("without gpg_uk")
    assert table.start == shipped_weights().start
    assert "gpg_uk" in shipped_weights().trained_on


def test_the_bar_on_records_that_no_weight_was_fitted_to(links: list[Link], truth: dict[Two, bool]) -> None:
    renamed = {pair for pair in truth if truth[pair]}
    quality = evaluate(links, truth.keys(), renamed)
    assert quality.auto_precision >= 0.99
    assert quality.recall >= 0.955
    assert quality.auto_recall >= 0.90
    assert quality.best_f1 >= 0.96
    assert quality.recall_at_precision_99 >= 0.93
    assert quality.renamed_recall is not None
    assert quality.renamed_recall >= 0.45


def test_scores_mean_what_they_say(links: list[Link], truth: dict[Two, bool]) -> None:
    """Calibration: of the links given a probability, about that share is true."""
    for low, high, least, most in ((0.1, 0.5, 0.03, 0.6), (0.5, 0.97, 0.45, 1.0), (0.97, 1.01, 0.98, 1.0)):
        inside = [link for link in links if low <= link.score < high]
        share = sum((link.left, link.right) in truth for link in inside) / len(inside)
        assert least <= share <= most, (low, high, share)


def test_each_filed_company_has_at_most_one_automatic_account(links: list[Link]) -> None:
    auto = [link for link in links if link.band is Band.AUTO]
    assert len({link.left for link in auto}) >= 0.99 * len(auto)  # more than one only where the CRM has duplicates
    assert all(link.reason for link in links)


def test_the_keys_find_nearly_all(lists: tuple[list[Account], list[Account]], truth: dict[Two, bool]) -> None:
    left, right = ([parse(account) for account in accounts] for accounts in lists)
    index = MemoryCandidates(right)
    found = {(record.ref, ref) for record in left for ref, _ in index.find(query_keys(record), record.ref, 20)}
    assert len(found & truth.keys()) / len(truth) >= 0.98
