"""The demo's truth, read only by its report and by tests: what is the same company, and whose deal is whose."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from syncd.model import Band, Collision, Link


@dataclass(frozen=True, slots=True)
class Truth:
    """Native ids: pairs of (filed company, direct account), and of (registration, opportunity)."""

    same: frozenset[tuple[str, str]]
    own_deals: frozenset[tuple[str, str]]
    scenarios: dict[str, str]


@dataclass(frozen=True, slots=True)
class LinkReport:
    """Links from filed companies to direct accounts against the truth.

    `precision` is of the auto band, by link. `recall` is by company: of those that the vendor knows, how many have
    a right link in the auto or review band.
    """

    auto: int
    review: int
    precision: float
    recall: float


def read_truth(folder: Path) -> Truth:
    """The truth that the generator wrote beside the data."""
    same = _rows(folder / "truth" / "links.csv")
    own = _rows(folder / "truth" / "own_deals.csv")
    scenarios = _rows(folder / "truth" / "scenarios.csv")
    return Truth(
        frozenset((row["hubspot_company_id"], row["salesforce_account_id"]) for row in same),
        frozenset((row["registration_id"], row["opportunity_id"]) for row in own),
        {row["registration_id"]: row["scenario"] for row in scenarios},
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def judge_links(links: Iterable[Link], truth: Truth, filed: str) -> LinkReport:
    """Compare links with the truth; `filed` is the uid of the portal."""
    ours = [item for item in links if item.left.connection == filed and item.right.connection != filed]
    auto = [item for item in ours if item.band is Band.AUTO]
    right = sum((item.left.id, item.right.id) in truth.same for item in auto)
    found = {
        item.left.id for item in ours if item.band is not Band.NONE and (item.left.id, item.right.id) in truth.same
    }
    known = {company for company, _ in truth.same}
    return LinkReport(
        auto=len(auto),
        review=sum(item.band is Band.REVIEW for item in ours),
        precision=round(right / len(auto), 4) if auto else 0.0,
        recall=round(len(found & known) / len(known), 4) if known else 0.0,
    )


def self_collisions(collisions: Iterable[Collision], truth: Truth) -> int:
    """Collisions of a registration with its own deal: there must be none."""
    return sum((item.registration.id, item.other.id) in truth.own_deals for item in collisions)
