"""Training: reads labelled lists, fits a points table to them, and measures it on what it did not see."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from syncd.errors import UserError
from syncd.jobs.exports import read_export
from syncd.jobs.frozen import in_force
from syncd.jobs.labels import Truth, read_truth
from syncd.jobs.work import Work
from syncd.matching import (
    MemoryCandidates,
    Parsed,
    Quality,
    Statistics,
    Weights,
    evaluate,
    query_keys,
    shipped_weights,
)
from syncd.matching.adapt import Adapted, adapt
from syncd.matching.claims import cells
from syncd.matching.learn import Learned, Lesson, learn
from syncd.matching.link import MOST_CANDIDATES
from syncd.matching.pairs import Pair
from syncd.matching.trial import Trial, links, prepare
from syncd.model import Band, Judgement, Ref
from syncd.store import decisions, graph, records

Two = tuple[Ref, Ref]

_LEAST = 20  # labelled pairs


def read_table_of_points(path: Path) -> Weights:
    """The points table of this file. Raises UserError when it is none, or lacks a level that syncd knows."""
    try:
        table = Weights.from_csv(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"There is no file {path}. `syncd match train` and `syncd match adapt` write one.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from None
    except (KeyError, ValueError, TypeError) as error:
        raise UserError(f"{path} is no points table ({error}). It has the columns claim, level, points, start, pairs, "
                        "as `syncd match train -o TABLE.csv` writes them.") from None  # fmt: skip
    missing = sorted(set(shipped_weights().start) - set(table.start))
    if missing:
        shown = ", ".join(f"{claim} {level}" for claim, level in missing[:5])
        raise UserError(f"{path} has no points for {shown}: it was made by another version of syncd. Train it again.")
    return table


@dataclass(frozen=True)
class Effect:
    """What another table does to links: how many of each band there were and are, and those whose band changed."""

    before: Mapping[str, int]
    after: Mapping[str, int]
    changed: tuple[tuple[Two, Band, Band], ...]
    titles: Mapping[Ref, str]
    quality: tuple[Quality, Quality] | None


@dataclass(frozen=True)
class Material:
    """Filed companies and accounts with their candidate pairs, and what is known of them."""

    lesson: Lesson
    titles: Mapping[Ref, str]
    note: str
    left_out: int = 0


def of_files(left: Path, right: Path, truth: Path | None) -> Material:
    """Two files and their truth or answers, compared. Raises UserError."""
    here, there = ([row.account for row in read_export(path, side, by_id=True).rows]
                   for path, side in ((left, "left"), (right, "right")))  # fmt: skip
    known = Truth(frozenset()) if truth is None else read_truth(truth)
    if known.clusters:
        raise UserError(f"{truth} has clusters of one list. Training needs id_left and id_right, or answers.")
    trial = prepare(left.stem, here, there, known.pairs)
    titles = {account.ref: account.name or account.ref.id for account in (*here, *there)}
    unknown = [pair for pair in {*known.pairs, *known.judged} if not set(pair) <= titles.keys()]
    if unknown and len(unknown) == len({*known.pairs, *known.judged}):
        raise UserError(f"No pair of {truth} is in the two files: do its ids come from others, or are sides swapped?")
    lesson = Lesson(trial, known.judged or None) if truth is not None else Lesson(trial, {})
    return Material(lesson, titles, f"{truth or left}", len(unknown))


def of_state(work: Work, most: int = 5_000) -> Material:
    """What people judged in the state, beside the candidate pairs of up to `most` filed companies. Raises UserError."""
    with work.store.read() as tx:
        frozen = in_force(tx)
        if frozen is None:
            raise UserError("Nothing has been linked yet. Run `syncd sync` first.")
        said = decisions.judgements(tx, records.aliases(tx))
        rows = [(role, Parsed.from_json(content)) for _, role, content in graph.get_parsed(tx)]
    direct = [record for role, record in rows if role == "direct"]
    accounts = {record.ref for record in direct}
    judged = {_filed_first(pair, accounts): word for pair, word in said.items() if _is_cross(pair, accounts)}
    wanted = {pair[0] for pair in judged}
    filed = sorted((r for role, r in rows if role != "direct"), key=lambda r: (r.ref not in wanted, _draw(r.ref)))
    trial = _trial(filed[:most], direct, frozen.statistics, judged)
    titles = {record.ref: record.title for _, record in rows}
    return Material(Lesson(trial, judged), titles, "judgements", len(said) - len(judged))


def _trial(filed: Sequence[Parsed], direct: Sequence[Parsed], statistics: Statistics,
           judged: Mapping[Two, Judgement]) -> Trial:  # fmt: skip
    """The candidates of filed companies, and the pairs that people judged, compared."""
    index = MemoryCandidates(direct)
    known = {record.ref: record for record in (*filed, *direct)}
    pairs = {(one.ref, ref) for one in filed for ref, _ in index.find(query_keys(one), one.ref, MOST_CANDIDATES)}
    pairs |= {pair for pair in judged if known.keys() >= set(pair)}
    compared = (Pair(known[one], known[other], statistics) for one, other in sorted(pairs))
    cells_of = tuple(((pair.left.ref, pair.right.ref), cells(pair)) for pair in compared)
    return Trial("state", statistics, frozenset(record.ref for record in direct), cells_of, frozenset())


def _is_cross(pair: Two, accounts: Collection[Ref]) -> bool:
    return (pair[0] in accounts) != (pair[1] in accounts)


def _filed_first(pair: Two, accounts: Collection[Ref]) -> Two:
    return (pair[1], pair[0]) if pair[0] in accounts else pair


def _draw(ref: Ref) -> bytes:
    """A fixed order that has nothing to do with ids, so that a part stands for the whole."""
    return blake2b(str(ref).encode(), digest_size=8).digest()


def train(material: Material, shipped: Weights, folds: int = 5) -> Learned:
    """Learn from the material. Raises UserError when there is too little of it to measure anything."""
    lesson = material.lesson
    labels = [lesson.label(pair) for pair in lesson.judged] if lesson.judged is not None else [True, False]
    if lesson.labelled < _LEAST or not {True, False} <= set(labels):
        raise UserError(
            f"{lesson.labelled} labelled pairs are too few to learn from: it takes {_LEAST}, some the same and some "
            "different. `syncd match review` asks for those that teach most."
        )
    return learn(lesson, shipped, folds, note=f"{lesson.labelled} labelled pairs of {material.note}")


def adapted_to(material: Material, shipped: Weights) -> Adapted:
    """Adapt to the candidate pairs of the material, whatever is known of them."""
    trial = material.lesson.trial
    across = ((trial.filed_first(pair)[0], found) for pair, found in trial.compared if trial.is_cross(pair))
    return adapt(across, shipped)


def effect(material: Material, before: Weights, after: Weights, auto: float, review: float) -> Effect:
    """What another table would change in the links of the material, the surest changes first."""
    trial = material.lesson.trial
    old, new = ({(k.left, k.right): k for k in links(trial, table, auto, review)} for table in (before, after))
    changed = [
        (pair, old[pair].band if pair in old else Band.NONE, new[pair].band if pair in new else Band.NONE)
        for pair in sorted(old.keys() | new.keys())
    ]
    quality = None
    if material.lesson.judged is None:
        quality = evaluate(old.values(), trial.truth), evaluate(new.values(), trial.truth)
    counts = [{band.value: sum(k.band is band for k in found.values()) for band in (Band.AUTO, Band.REVIEW)}
              for found in (old, new)]  # fmt: skip
    different = (c for c in changed if c[1] is not c[2])
    shown = sorted(different, key=lambda c: (Band.AUTO not in c[1:], c[0]))
    return Effect(counts[0], counts[1], tuple(shown), material.titles, quality)
