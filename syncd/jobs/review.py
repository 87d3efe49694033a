"""Review: asks for the links whose answers teach most, and records answers as judgements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from syncd.errors import UserError
from syncd.jobs.exports import Note, read_export, read_table
from syncd.jobs.frozen import in_force
from syncd.jobs.labels import answer_of
from syncd.jobs.persons import judge
from syncd.jobs.work import Work
from syncd.matching import Parsed, Weights, link_all
from syncd.matching.review import Question, questions
from syncd.model import Account, DecisionKind, Judgement, Ref
from syncd.store import decisions, graph, pairs, records

Progress = Callable[[str, int, int], None]

FIELDS = ("name", "website", "phone", "street", "postcode", "city", "country", "registration_number", "vat_number")
"""What a person is shown of both records, as the source has it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question with both records as their systems have them."""

    question: Question
    left: Account
    right: Account


def ask(work: Work, most: int) -> list[Asked]:
    """The `most` questions of the state whose answers would teach most. Raises UserError before the first linking."""
    with work.store.read() as tx:
        if in_force(tx) is None:
            raise UserError("Nothing has been linked yet. Run `syncd sync` first.")
        known, said = graph.roles(tx), _judged(tx)
        open_ = [k for k in graph.all_links(tx) if frozenset((k.left, k.right)) not in said
                 and k.left in known and k.right in known]  # fmt: skip
        found = questions(open_, lambda ref: known[ref], pairs.hanging(tx), most, work.auto)
        shown = _accounts(work, tx, [ref for q in found for ref in (q.link.left, q.link.right)])
    return [Asked(q, shown[q.link.left], shown[q.link.right]) for q in found]


def _judged(tx: sa.Connection) -> set[frozenset[Ref]]:
    """Pairs that a person has judged, also since they were linked last."""
    return {frozenset(pair) for pair in decisions.judgements(tx, records.aliases(tx))}


def _accounts(work: Work, tx: sa.Connection, refs: Sequence[Ref]) -> dict[Ref, Account]:
    """The records as accounts; one whose source cannot be read as one is shown by what matching kept of it."""
    found = {ref: _kept(Parsed.from_json(content)) for ref, _, content in graph.get_parsed(tx, refs)}
    for row in records.get(tx, refs).values():
        mapped = work.canonical(row)
        if mapped is not None and isinstance(mapped.record, Account):
            found[row.ref] = mapped.record
    return found


def _kept(parsed: Parsed) -> Account:
    return Account(parsed.ref, parsed.title, website=parsed.domain or None, phone=parsed.phone or None,
                   postcode=parsed.postcode or None, city=parsed.city or None, country=parsed.country)  # fmt: skip


def answer(work: Work, left: str, right: str, said: Judgement, person: str, reason: str = "") -> None:
    """Record one answer, which the next cycle acts on. Raises UserError when a record is not known."""
    judge(work, left, right, DecisionKind(said.value), person, reason)


def read_answers(path: Path) -> tuple[list[tuple[str, str, Judgement, str]], list[Note]]:
    """(left, right, answer, reason) of every answered row, and the rows whose answer cannot be read."""
    found, bad = [], []
    for number, row in read_table(path, ("left", "right", "answer")):
        try:
            said = answer_of(row.get("answer", ""))
        except UserError as error:
            bad.append(Note(number, "", str(error)))
            continue
        if said is not None:
            found.append((row["left"], row["right"], said, row.get("answer_reason", "")))
    return found, bad


def record_answers(
    work: Work, answers: Sequence[tuple[str, str, Judgement, str]], person: str
) -> tuple[int, list[str]]:
    """Record answers one by one; returns how many are new, and what could not be recorded. A repeated word is one."""
    with work.store.read() as tx:
        said: Mapping[tuple[Ref, Ref], Judgement] = decisions.judgements(tx, records.aliases(tx))
    done, problems = 0, []
    for left, right, word, reason in answers:
        try:
            if said.get(_ordered(left, right)) is not word:
                answer(work, left, right, word, person, reason)
                done += 1
        except UserError as error:
            problems.append(str(error))
    return done, problems


def _ordered(left: str, right: str) -> tuple[Ref, Ref]:
    try:
        first, second = sorted((Ref.parse(left), Ref.parse(right)))
    except ValueError:
        text = f"{left} or {right} is no ref such as crm1/Account/001. Leave the columns left and right as they were."
        raise UserError(text) from None
    return first, second


def ask_of_files(left: Path, right: Path, most: int, *, auto: float, review: float, weights: Weights | None = None,
                 progress: Progress | None = None) -> list[Asked]:  # fmt: skip
    """The `most` questions about two files whose answers would teach most. Raises UserError."""
    sides = [[row.account for row in read_export(path, side, by_id=True).rows]
             for path, side in ((left, "left"), (right, "right"))]  # fmt: skip
    known = {account.ref: account for side in sides for account in side}
    links = link_all(*sides, weights=weights, auto=auto, review=review, progress=progress)
    found = questions(links, lambda ref: "filed" if ref.connection == "left" else "direct", {}, most, auto)
    return [Asked(q, known[q.link.left], known[q.link.right]) for q in found]
