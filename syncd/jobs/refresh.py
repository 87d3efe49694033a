"""Refresh: freeze statistics and points anew, which is a planned relink of everything, under the brake.

Looking changes nothing. Going ahead records the new version as a fact, with an entry in the ledger; the daemon's next
run links by it. What would change is found by that very run, made on paper.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from syncd.errors import Brake, UserError
from syncd.jobs.frozen import Frozen, count_now, in_force
from syncd.jobs.index import build
from syncd.jobs.link import link_all_again
from syncd.jobs.work import Work
from syncd.model import Band, Link, Protection, Ref, Stream
from syncd.store import decisions, graph, ledger, outcomes

Two = tuple[Ref, Ref]
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Lost:
    """A link that acts now and would not any more, with the protected registrations that hang on it."""

    link: Link
    becomes: Band
    protects: tuple[Ref, ...]

    def as_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "left": str(self.link.left), "right": str(self.link.right), "score": round(self.link.score, 4),
            "becomes": self.becomes.value, "protects": [str(ref) for ref in self.protects],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refresh:
    """What another version would change. `moves` counts links by (band now, band then), unchanged ones left out."""

    version: str
    next: Frozen
    acting: int
    moves: Mapping[tuple[Band, Band], int]
    lost: tuple[Lost, ...]

    @property
    def changes(self) -> int:
        """Links that act now or then, and not both."""
        return sum(count for (now, then), count in self.moves.items() if (now is Band.AUTO) != (then is Band.AUTO))

    @property
    def share(self) -> float:
        """These as a share of the links that act now."""
        return self.changes / max(self.acting, 1)

    @property
    def protecting(self) -> tuple[Lost, ...]:
        """Links that would be lost and that something protected hangs on."""
        return tuple(lost for lost in self.lost if lost.protects)

    def as_json(self) -> dict[str, Any]:
        """As plain JSON; at most some of the lost links, those that protect something first."""
        shown = sorted(self.lost, key=lambda lost: (not lost.protects, lost.link.left, lost.link.right))[:_SHOWN]
        return {
            "version": self.version, "next": self.next.version, "links_acting": self.acting,
            "moves": {f"{now.value} to {then.value}": n for (now, then), n in sorted(self.moves.items())},
            "changes": self.changes, "share": round(self.share, 4), "protecting": len(self.protecting),
            "lost": [lost.as_json() for lost in shown],
        }  # fmt: skip


def look(work: Work) -> Refresh | None:
    """What freezing anew would change; None when it would be the same version. Raises UserError before any linking."""
    with work.store.read(long=True) as tx:
        now = in_force(tx)
        if now is None:
            raise UserError("Nothing has been linked yet, so nothing is frozen. Run `syncd sync` first.")
        then = count_now(tx, work.weights)
        if then.version == now.version:
            return None
        relinked = link_all_again(tx, work, then, build(tx, then.rarity)).relinked
        before = {(k.left, k.right): k for k in relinked.before}
        after = {(k.left, k.right): k for k in relinked.decided.links}
        moves = Counter((_band(before.get(pair)), _band(after.get(pair))) for pair in {*before, *after})
        acting = sum(link.band is Band.AUTO for link in before.values())
        lost = tuple(_lost(tx, before, after))
    return Refresh(now.version, then, acting, {pair: n for pair, n in moves.items() if pair[0] is not pair[1]}, lost)


def _band(link: Link | None) -> Band:
    return Band.NONE if link is None else link.band


def _lost(tx: sa.Connection, before: Mapping[Two, Link], after: Mapping[Two, Link]) -> Iterable[Lost]:
    gone = {p: k for p, k in before.items() if k.band is Band.AUTO and _band(after.get(p)) is not Band.AUTO}
    protected = _protected(tx, {ref for pair in gone for ref in pair})
    for pair in sorted(gone):
        protects = sorted({*protected.get(pair[0], ()), *protected.get(pair[1], ())})
        yield Lost(gone[pair], _band(after.get(pair)), tuple(protects))


def _protected(tx: sa.Connection, companies: set[Ref]) -> dict[Ref, list[Ref]]:
    """By filed company, its registrations that are protected now."""
    found: dict[Ref, list[Ref]] = {}
    hanging = graph.hanging_on(tx, Stream.REGISTRATIONS, sorted(companies))
    active = {item.state.ref for item in outcomes.claims(tx) if item.state.protection is Protection.ACTIVE}
    for registration in active & hanging.keys():
        found.setdefault(hanging[registration], []).append(registration)
    return found


def refresh(work: Work, person: str, *, proceed: bool = False, reason: str = "") -> Refresh | None:
    """Freeze anew, recorded in the ledger with what changes; None when nothing would.

    Raises Brake when more links would change than `brakes.relink_share`, or one would be lost that something
    protected hangs on, unless a person says to `proceed` with a reason.
    """
    found = look(work)
    if found is None:
        return None
    if proceed and not reason.strip():
        raise UserError("Say why with --reason; it is kept in the ledger.")
    if not proceed:
        _brake(work, found)
    now = work.clock.now()
    with work.store.append() as tx:
        decisions.alone(tx)
        outcomes.freeze_statistics(tx, found.next.version, found.next.to_json(), now)
        losses = [lost.as_json() for lost in found.protecting]
        body = {"what": "refresh", **found.as_json(), "lost": losses, "by": f"person:{person}", "reason": reason}
        ledger.append(tx, now, [ledger.Entry("refresh", body, ("reason",))], work.ledger_key)
    return found


def _brake(work: Work, found: Refresh) -> None:
    """Stops what a person has to look at first."""
    most, least = work.brakes.relink_share, work.brakes.relink_least
    remedy = 'If that is right, say  syncd match refresh --yes --proceed --reason "..."'
    if found.protecting:
        first = found.protecting[0]
        raise Brake(
            f"{len(found.protecting)} links would be lost that protected registrations hang on, the first between "
            f"{first.link.left} and {first.link.right}. {remedy}"
        )
    if found.changes >= least and found.share > most:
        raise Brake(
            f"{found.changes} of {found.acting} links that act would change ({found.share:.0%}), "
            f"more than {most:.0%}. {remedy}"
        )
