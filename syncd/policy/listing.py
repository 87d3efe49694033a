"""The collisions that are shown, each with what decided it (docs/rulings.md 8 and 9)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from syncd.model import Code, Collision, Decision, DecisionKind
from syncd.policy.book import MOST, Book, Clash, Filing
from syncd.policy.collisions import between, clash_of, queue
from syncd.policy.disputes import History, histories
from syncd.policy.explain import collision_sentence
from syncd.policy.informing import informing
from syncd.policy.lifecycle import ruled_other
from syncd.policy.words import SEVERITY


def collisions(book: Book) -> tuple[Collision, ...]:
    """Every collision of the group, the most severe first; what a person ruled goes before what a rule says.

    Two registrations meet once. A direct record may stand against one for several reasons, each with its code.
    """
    found: dict[tuple[object, ...], Clash] = {}
    for clash in _rulings(book):
        found.setdefault((clash.registration, clash.other), clash)
    ruled = set(found)
    for clash in _all(book):
        pair = (clash.registration, clash.other)
        if pair not in ruled:
            found.setdefault(pair if clash.other in book.by_ref else (*pair, clash.code), clash)
    found = {key: c for key, c in found.items() if (f := book.by_ref.get(c.registration)) and _listed(f, book)}
    said = histories(book.group.decisions)
    made = [_in_words(clash, said.get((clash.registration, clash.other), History()), book) for clash in found.values()]
    return tuple(sorted(made, key=lambda c: (SEVERITY.index(c.code), c.registration, c.other)))


def _rulings(book: Book) -> Iterator[Clash]:
    """What people ruled, the last word first."""
    return (clash for ruling in reversed(book.rulings) if (clash := _ruled(ruling, book)) is not None)


def _all(book: Book) -> Iterator[Clash]:
    """What a rule or a person decided goes before what is only said beside a word of the source."""
    for filing in sorted(book.filings, key=_told_by_source):
        yield from _of(filing, book)
    yield from informing(book)


def _told_by_source(filing: Filing) -> bool:
    decided = filing.standing.decided
    return decided is not None and decided.kind is DecisionKind.ADOPTED


def _listed(filing: Filing, book: Book) -> bool:
    """Collisions are listed while their registration is undecided, approved and not over, or rejected."""
    standing = filing.standing
    if filing.draft or (filing.withdrawn and not standing.approved and not standing.rejected):
        return False
    if standing.decided is not None and standing.decided.kind is DecisionKind.RETURNED and not filing.undecided:
        return False
    held = standing.grant
    return not (standing.approved and held is not None and held.over(book.now))


def _ruled(ruling: Decision, book: Book) -> Clash | None:
    other = ruled_other(ruling, book)
    code = str(ruling.evidence.get("collision", ""))[:3]
    if other is None or code not in Code.__members__:
        return None
    return Clash(Code(code), ruling.subject, other, ruling.other, str(ruling.actor), {"reason": ruling.reason})


def _of(filing: Filing, book: Book) -> Iterable[Clash]:
    """The collisions that decided, or hold, an application."""
    if filing.verdict is not None:
        return filing.verdict.clashes
    decided = filing.standing.decided
    if decided is None or decided.kind in (DecisionKind.RETURNED, DecisionKind.WITHDRAWN) or filing.early:
        return ()
    if decided.actor.kind == "rule":
        return [Clash.from_json(kept) for kept in decided.evidence.get("collisions", ())]
    return _overruled(filing, decided, book)


def _overruled(filing: Filing, decided: Decision, book: Book) -> Iterable[Clash]:
    """What the rules would have found where a person, or the source, has decided."""
    rule = "source_decides" if decided.kind is DecisionKind.ADOPTED else str(decided.actor)
    verdict = clash_of(filing, book)
    if verdict is not None and verdict.clashes:
        approved = filing.standing.approved
        return [replace(c, winner=filing.ref if approved else c.other, rule=rule) for c in verdict.clashes]
    return [_against(filing, other, decided, rule, book) for other in _met(filing, decided, book)]


def _met(filing: Filing, decided: Decision, book: Book) -> Iterable[Filing]:
    """The other partners' claims that stood against a decided one: the first still ahead then, or the ties."""
    line = queue(filing, book)
    ahead = next((other for other, end in line.ahead if end > decided.effective_at), None)
    if ahead is not None:
        return [ahead]
    return line.ties[:MOST] or ([line.last[0]] if line.last else [])


def _against(filing: Filing, other: Filing, decided: Decision, rule: str, book: Book) -> Clash:
    clash = between(filing, other, book)
    both = decided.kind is DecisionKind.ADOPTED and _both_hold(filing, other, book)
    return replace(clash, winner=None, rule=rule) if both else clash


def _both_hold(one: Filing, two: Filing, book: Book) -> bool:
    """Has the source approved two claims that meet? Both are honoured, and a person is asked."""
    grants = (one.standing.grant, two.standing.grant)
    return all(held is not None and held.active(book.now) for held in grants)


def _in_words(clash: Clash, said: History, book: Book) -> Collision:
    return Collision(
        code=clash.code,
        registration=clash.registration,
        other=clash.other,
        state=said.state(clash.winner),
        rule=clash.rule,
        winner=clash.winner,
        sentence=collision_sentence(clash, book),
        evidence=dict(clash.evidence),
    )
