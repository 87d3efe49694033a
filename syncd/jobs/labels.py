"""Reads what people know about pairs: truth files (pairs or clusters), links as written, and answered questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from syncd.errors import UserError
from syncd.jobs.exports import Note, read_cells, read_table
from syncd.model import Band, Judgement, Link, Ref

Two = tuple[Ref, Ref]

_YES = frozenset(("1", "true", "yes", "y"))
_MOST_PAIRS = 5_000_000

ANSWERS: Mapping[str, Judgement] = {
    "same": Judgement.SAME, "s": Judgement.SAME, "1": Judgement.SAME, "yes": Judgement.SAME,
    "different": Judgement.DIFFERENT, "d": Judgement.DIFFERENT, "0": Judgement.DIFFERENT, "no": Judgement.DIFFERENT,
    "unsure": Judgement.UNSURE, "u": Judgement.UNSURE, "?": Judgement.UNSURE,
}  # fmt: skip


@dataclass(frozen=True)
class Truth:
    """What a truth file says.

    `pairs` are all true pairs; with `clusters` the ids of both sides are one and the same list's, and the pairs are
    those inside clusters. `judged` is set when only the pairs in it are known, the others not (answered questions).
    """

    pairs: frozenset[Two]
    renamed: frozenset[Two] = frozenset()
    clusters: Mapping[Ref, str] = field(default_factory=dict)
    judged: Mapping[Two, Judgement] = field(default_factory=dict)


def left(id_: str) -> Ref:
    """A row of the file of filed companies."""
    return Ref("left", "row", id_)


def right(id_: str) -> Ref:
    """A row of the file of accounts."""
    return Ref("right", "row", id_)


def read_truth(path: Path) -> Truth:
    """Read id_left,id_right (perhaps name_changed or answer), or id,cluster. Raises UserError."""
    headers = [cell.casefold() for cell in read_cells(path)[0][0][1]]
    if {"id", "cluster"} <= set(headers) and "id_left" not in headers:
        return _of_clusters(path)
    rows = {(left(row["id_left"]), right(row["id_right"])): row for row in _pairs(path)}
    if "answer" in headers:
        judged = {pair: said for pair, row in rows.items() if (said := answer_of(row.get("answer", ""))) is not None}
        return Truth(frozenset(pair for pair, said in judged.items() if said is Judgement.SAME), judged=judged)
    renamed = frozenset(pair for pair, row in rows.items() if row.get("name_changed", "").casefold() in _YES)
    return Truth(frozenset(rows), renamed)


def _pairs(path: Path) -> Iterator[dict[str, str]]:
    for number, row in read_table(path, ("id_left", "id_right")):
        if not (row.get("id_left") and row.get("id_right")):
            raise UserError(f"{path}: row {number} lacks an id. Each row names one pair: id_left and id_right.")
        yield row


def answer_of(said: str) -> Judgement | None:
    """What an answer in a cell means; None for a blank one. Raises UserError for any other word."""
    word = said.strip().casefold()
    if not word:
        return None
    if word not in ANSWERS:
        raise UserError(f"“{said}” is no answer. Write same, different or unsure, or leave the cell blank.")
    return ANSWERS[word]


def _of_clusters(path: Path) -> Truth:
    clusters = {_record(row["id"]): row["cluster"] for _, row in read_table(path, ("id", "cluster")) if row.get("id")}
    members: dict[str, list[Ref]] = {}
    for ref in sorted(clusters):
        members.setdefault(clusters[ref], []).append(ref)
    if sum(len(group) * (len(group) - 1) // 2 for group in members.values()) > _MOST_PAIRS:
        raise UserError(f"{path}: more than {_MOST_PAIRS:,} pairs are inside clusters. Are ids and clusters swapped?")
    pairs = frozenset(pair for group in members.values() for pair in combinations(group, 2))
    return Truth(pairs, clusters=clusters)


def _record(id_: str) -> Ref:
    return Ref("record", "row", id_)


def read_links(path: Path, truth: Truth) -> tuple[list[Link], list[Note]]:
    """The links of a file, a repeated pair once, with the rows that are no links. Raises UserError.

    Where the truth has clusters, a record linked with itself is left out, and a pair counts once in either order.
    """
    found: dict[Two, Link] = {}
    bad: list[Note] = []
    for number, row in read_table(path, ("id_left", "id_right", "score", "band")):
        pair = _pair(row, bool(truth.clusters))
        if pair is None:
            continue
        score, band = _score(row.get("score", "")), _band(row.get("band", ""))
        if score is None or band is None:
            bad.append(Note(number, "", "score is no number from 0 to 1, or band neither auto nor review"))
        elif pair not in found:
            found[pair] = Link(*pair, score=score, points=score, band=band, evidence=())
        elif not truth.clusters:
            bad.append(Note(number, "", "the same pair is there twice"))
    return list(found.values()), bad


def _pair(row: Mapping[str, str], shared: bool) -> Two | None:
    ids = row.get("id_left", ""), row.get("id_right", "")
    if not shared:
        return left(ids[0]), right(ids[1])
    if ids[0] == ids[1]:
        return None
    first, second = sorted(map(_record, ids))
    return first, second


def _score(said: str) -> float | None:
    try:
        score = float(said)
    except ValueError:
        return None
    return score if 0 <= score <= 1 else None


def _band(said: str) -> Any:
    try:
        return Band(said.casefold())
    except ValueError:
        return None


def read_reasons(path: Path) -> dict[Two, str]:
    """The column `reason` of a file of links, where it has one."""
    return {(left(row["id_left"]), right(row["id_right"])): row.get("reason", "")
            for _, row in read_table(path, ("id_left", "id_right"))}  # fmt: skip
