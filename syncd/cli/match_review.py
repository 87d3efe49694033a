"""`match review`: the pairs whose answers would teach most, as a dialogue, as a file to fill in, and as JSON."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncd.cli.files import check_bands, progress_bar, tell_rows, write_csv
from syncd.cli.match_explain import Auto, Points, Review, table_of
from syncd.cli.output import AsJson, clean, emit, fail, say, whoami

if TYPE_CHECKING:
    from syncd.jobs.review import Asked

_ANSWERS = ("answer", "answer_reason")
_MORE = ("score", "band", "hangs_on", "left_name", "right_name", "left_website", "right_website", "left_place",
         "right_place", "reason")  # fmt: skip

Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write the questions here, to be filled in; `-`: standard output.")
]


def review(
    context: typer.Context,
    output: Output = None,
    answers: Annotated[
        Path | None, typer.Option("--answers", help="Record the answers of a filled-in file.", metavar="FILE")
    ] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="How many questions.")] = 20,
    left: Annotated[Path | None, typer.Option("--left", help="Ask about two files instead of the state.")] = None,
    right: Annotated[Path | None, typer.Option("--right", help="The other file.")] = None,
    auto: Auto = 0.97,
    review: Review = 0.10,
    points: Points = None,
    as_json: AsJson = False,
) -> int:
    """Answer the questions that teach most: the least sure links on which most hangs, no two alike in a row.

    \b
    syncd match review                                on a terminal: one pair after the other
    syncd match review -o QUESTIONS.csv --most 100    a file: fill in `answer` with same, different or unsure
    syncd match review --answers QUESTIONS.csv        record what was filled in; the same file twice does no harm
    syncd match review --left L.csv --right R.csv -o ANSWERS.csv      about two files, for `syncd match train`

    An answer is a judgement as by `syncd same`, `different` or `unsure`: it is recorded with your name, it outlives
    every score, and the next cycle acts on it. --auto, --review and --points are for two files. Exits with 3 when some
    rows of the answers could not be used.
    """
    from syncd.errors import UserError

    check_bands(auto, review)
    if (left is None) != (right is None):
        raise UserError("Give both --left LEFT.csv and --right RIGHT.csv, or neither.")
    if left is not None and right is not None:
        if answers is not None:
            raise UserError("Answers about two files are for `syncd match train LEFT.csv RIGHT.csv ANSWERS.csv`.")
        return _about_files(left, right, most, auto, review, points, output, as_json)
    if answers is not None:
        return _recorded(context, answers, as_json)
    return _about_state(context, most, output, as_json)


def _about_files(left: Path, right: Path, most: int, auto: float, review: float, points: Path | None,
                 output: Path | None, as_json: bool) -> int:  # fmt: skip
    from syncd.jobs.review import ask_of_files

    with progress_bar() as progress:
        asked = ask_of_files(left, right, most, auto=auto, review=review, weights=table_of(points), progress=progress)
    _put(asked, output, as_json, ("id_left", "id_right"), [(a.left.ref.id, a.right.ref.id) for a in asked])
    return 0


def _about_state(context: typer.Context, most: int, output: Path | None, as_json: bool) -> int:
    from syncd.app import opened
    from syncd.jobs.review import ask

    with opened(context.obj.config) as work:
        asked = ask(work, most)
        if output is None and not as_json and sys.stdin.isatty():
            return _dialogue(work, asked)
    _put(asked, output, as_json, ("left", "right"), [(str(a.left.ref), str(a.right.ref)) for a in asked])
    return 0


def _put(asked: Sequence[Asked], output: Path | None, as_json: bool, names: tuple[str, str],
         ids: Sequence[tuple[str, str]]) -> None:  # fmt: skip
    rows = [(*pair, "", "", *_row(a)) for pair, a in zip(ids, asked, strict=True)]
    write_csv(output, (*names, *_ANSWERS, *_MORE), rows, unless=as_json)
    if as_json:
        emit([{**dict(zip(names, pair, strict=True)), **_json(a)} for pair, a in zip(ids, asked, strict=True)])
    elif output is not None:
        fail(f"{len(rows)} questions. Fill in the column answer with same, different or unsure.")


def _row(a: Asked) -> tuple[Any, ...]:
    link, places = a.question.link, [", ".join(filter(None, (x.street, x.postcode, x.city, x.country)))
                                     for x in (a.left, a.right)]  # fmt: skip
    return (f"{link.score:.4f}", link.band.value, a.question.hangs_on, a.left.name, a.right.name, a.left.website,
            a.right.website, *places, link.reason)  # fmt: skip


def _json(a: Asked) -> dict[str, Any]:
    q = a.question
    return {
        "score": q.link.score, "band": q.link.band.value, "value": q.value, "uncertainty": q.uncertainty,
        "cost": q.cost, "hangs_on": q.hangs_on, "alike_before": q.alike,
        "left_record": _fields(a.left), "right_record": _fields(a.right),
        "evidence": [{"claim": e.claim, "points": e.points, "in_words": e.sentence} for e in q.link.evidence],
    }  # fmt: skip


def _fields(account: Any) -> dict[str, str]:
    from syncd.jobs.review import FIELDS

    return {name: value for name in FIELDS if (value := getattr(account, name))}


# --- the dialogue ----------------------------------------------------------------------------------------------------

_PROMPT = "[s]ame, [d]ifferent, [u]nsure, [n]ext, [q]uit? "


def _dialogue(work: Any, asked: Sequence[Asked]) -> int:
    from syncd.jobs.review import answer
    from syncd.model import Judgement

    if not asked:
        say("Nothing waits for an answer.")
    done = 0
    for number, a in enumerate(asked, 1):
        _show(a, number, len(asked))
        said = _asked()
        if said == "q":
            break
        if said != "n":
            word = {"s": Judgement.SAME, "d": Judgement.DIFFERENT, "u": Judgement.UNSURE}[said]
            answer(work, str(a.left.ref), str(a.right.ref), word, whoami())
            done += 1
    say(f"{done} answers recorded as {whoami()}; the next cycle acts on them.")
    return 0


def _show(a: Asked, number: int, of: int) -> None:
    from syncd.jobs.review import FIELDS

    link = a.question.link
    say(f"\n{number} of {of}: score {link.score:.3f}, {a.question.hangs_on} registrations and opportunities hang on it")
    for name in FIELDS:
        here, there = clean(getattr(a.left, name)), clean(getattr(a.right, name))
        if here or there:
            say(f"  {name.replace('_', ' '):<20} {here[:45] or '–':<46} {there[:45] or '–'}")
    for e in sorted(link.evidence, key=lambda e: -abs(e.points)):
        if (e.points and e.claim != "to_begin_with") or e.claim == "held_for_review":
            say(f"  {e.points:+7.2f}  {clean(e.sentence)}")


def _asked() -> str:
    """One letter; the end of input quits."""
    while True:
        sys.stdout.write(_PROMPT)
        sys.stdout.flush()
        line = sys.stdin.readline()
        said = line.strip().casefold()[:1] if line else "q"
        if said in ("s", "d", "u", "n", "q"):
            return said


# --- answers ---------------------------------------------------------------------------------------------------------


def _recorded(context: typer.Context, path: Path, as_json: bool) -> int:
    from syncd.app import opened
    from syncd.jobs.review import read_answers, record_answers

    found, bad = read_answers(path)
    with opened(context.obj.config) as work:
        done, problems = record_answers(work, found, whoami())
    if as_json:
        emit({"answers": len(found), "recorded": done, "problems": problems, "by": whoami(),
              "not_read": [{"row": n.row, "reason": n.reason} for n in bad]})  # fmt: skip
    else:
        say(f"{done} of {len(found)} answers recorded as {whoami()}; the others were known.")
    for problem in problems:
        fail(problem)
    tell_rows(str(path), bad)
    return 3 if bad or problems else 0
