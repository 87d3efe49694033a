"""Contradictions: words of people that cannot all be true, or that evidence speaks against. Shown, not overruled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from syncd.jobs.search import Two, stored_edges
from syncd.matching.decide import speaks_against
from syncd.model import Decision, Judgement, Ref
from syncd.store import decisions, graph, records


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One word of a person that something stands against, and what."""

    left: Ref
    right: Ref
    judgement: Judgement
    person: str
    at: datetime
    against: str

    def as_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "left": str(self.left), "right": str(self.right), "judgement": self.judgement.value,
            "by": self.person, "at": self.at, "against": self.against,
        }  # fmt: skip


def contradictions(tx: sa.Connection) -> list[Contradiction]:
    """Every contradiction, in the order of the words that stand: the newest word on a pair is what holds."""
    history = _history(tx)
    refs = sorted({ref for pair in history for ref in pair})
    edges = {(edge.a, edge.b): edge for edge in stored_edges(tx, refs)}
    members = graph.membership(tx, refs)
    found = []
    for pair, made in history.items():
        said = Judgement(made[-1].kind.value)
        reasons = [_changed_mind(made), speaks_against(said, edges[pair].evidence) if pair in edges else ""]
        if said is Judgement.SAME and len({members.get(ref) for ref in pair}) > 1 and members.keys() & set(pair):
            reasons.append("they are apart, because others of the group were judged different")
        found += [Contradiction(*pair, said, str(made[-1].actor), made[-1].at, why) for why in reasons if why]
    return sorted(found, key=lambda one: (one.at, one.left, one.right, one.against))


def _history(tx: sa.Connection) -> dict[Two, list[Decision]]:
    """What was said of each pair, oldest first, followed to the records that there are now."""
    aliases, history = records.aliases(tx), dict[Two, list[Decision]]()
    for made in decisions.everything(tx, decisions.JUDGEMENTS):
        if made.other is not None:
            one, other = sorted((aliases.get(made.subject, made.subject), aliases.get(made.other, made.other)))
            if one != other:
                history.setdefault((one, other), []).append(made)
    return history


def _changed_mind(made: list[Decision]) -> str:
    """The last word that was another one, except *unsure*, which contradicts nobody."""
    sure = [one for one in made if one.kind.value != Judgement.UNSURE.value]
    if len(sure) < 2 or sure[-1] is not made[-1]:
        return ""
    other = next((one for one in reversed(sure[:-1]) if one.kind is not sure[-1].kind), None)
    return f"{other.actor.name} said {other.kind.value} on {other.at:%Y-%m-%d %H:%M} UTC" if other else ""
