"""The labelled sets as accounts and true pairs, and their trials: what training and measuring start from."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from syncd.matching.lessons import lessons
from syncd.matching.trial import Trial, Two, prepare, retype
from syncd.model import Account, Ref

FIELDS = {"name": "name", "website": "website", "phone": "phone", "street": "address", "city": "city",
          "postcode": "postcode", "country": "country"}  # fmt: skip
WEIGHTS = {"gpg_uk": 1.0, "listed_west": 0.3, "fodors_zagat": 0.3}
"""Lists of names alone, and of restaurants, teach less about accounts in a CRM."""
NOTE = "gpg_uk, listed_west (relabelled) and fodors_zagat, each also retyped, and invented groups of sister companies"
RETYPED, LESSONS = 0.15, 0.3
INVENTED = 3_000  # companies of listed_west around which groups are invented
RELABELLED = Path(__file__).with_name("listed_west_relabelled.csv")


@dataclass(frozen=True)
class Labelled:
    """Two lists, their true pairs, and those true pairs whose names changed.

    Where only some pairs were `judged`, no other pair counts for or against a linker.
    """

    name: str
    left: Sequence[Account]
    right: Sequence[Account]
    truth: frozenset[Two]
    renamed: frozenset[Two] = frozenset()
    judged: frozenset[Two] | None = None


def rows(path: Path) -> list[dict[str, str]]:
    """A CSV file; nothing where there is none."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def ref(side: str, id_: str) -> Ref:
    """The ref of a record of a set."""
    return Ref(side, "company", id_)


def account(side: str, row: Mapping[str, str]) -> Account:
    """One line of a list."""
    fields = {ours: row.get(theirs) or None for ours, theirs in FIELDS.items()}
    return Account(ref=ref(side, row["id"]), **fields)  # type: ignore[arg-type]


def read(folder: Path) -> Labelled:
    """A set of two lists, as labelled."""
    left, right = ([account(side, row) for row in rows(folder / f"{side}.csv")] for side in ("left", "right"))
    truth = {(ref("left", row["id_left"]), ref("right", row["id_right"])): row.get("name_changed")
             for row in rows(folder / "truth.csv")}  # fmt: skip
    renamed = frozenset(pair for pair, changed in truth.items() if changed == "1")
    some = folder / "pairs.csv"
    judged = frozenset((ref("left", row["id_left"]), ref("right", row["id_right"])) for row in rows(some))
    return Labelled(folder.name, left, right, frozenset(truth), renamed, judged or None)


def relabelled(labelled: Labelled) -> Labelled:
    """listed_west with the labels that a reader corrected, pair by pair and each with its reason.

    Read were the 300 pairs without a label that out-of-fold scores made likeliest, and the labelled pairs with the
    least similar names. A pair was added where both names are of one issuer (other legal form, share class, cut name,
    a rename that the web site shows), and taken out where a ticker went to another company. All 271 were read a second
    time by others: one was wrong and went. So true links that no linker comes near are still missing, the pairs were
    picked by these very scores, and preferred lines count as the issuer for some issuers only.
    """
    known = {(ref("left", row["id_left"]), ref("right", row["id_right"])): row["is_match"] == "1"
             for row in rows(RELABELLED)}  # fmt: skip
    added = {pair for pair, is_match in known.items() if is_match}
    return replace(labelled, truth=frozenset((labelled.truth | added) - (known.keys() - added)))


def trials(sets: Collection[Labelled]) -> list[Trial]:
    """Each set, the same typed again, and groups invented around the companies of listed_west."""
    found: list[Trial] = []
    for one in sets:
        weight = WEIGHTS[one.name]
        found.append(prepare(one.name, one.left, one.right, one.truth, weight))
        found.append(retype(one.name, one.left, one.right, one.truth, weight * RETYPED))
        if one.name == "listed_west":
            found.append(prepare("lessons", *lessons(one.right, INVENTED), LESSONS))
    return found
