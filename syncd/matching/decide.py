"""Decides over scored pairs: bands, links and organizations, from edges, roles and what people have judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from syncd.matching.groups import Groups
from syncd.matching.points import Weights
from syncd.matching.rivals import TOO_CLOSE, Contest, Rivalry, rival_evidence
from syncd.matching.score import FLOOR, Edge, total
from syncd.model import Band, Evidence, Judgement, Link, Ref

Two = tuple[Ref, Ref]

_TWINS = 0.5  # filed companies at least this likely the same are not each other's rivals
_WEAK_NAME = 0.4


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Probabilities from which a link acts by itself, waits for a person, and makes duplicates of two accounts.

    Two records of one side are shown for review only from `twins` on: nobody's deal hangs on them.
    """

    auto: float = 0.97
    review: float = 0.10
    duplicates: float = 0.97
    twins: float = 0.50


@dataclass(frozen=True, slots=True)
class Decided:
    """What follows from all pairs: links of every band above none, and every seen record in exactly one group.

    The groups are the connected parts of the links of the band auto.
    """

    links: tuple[Link, ...]
    groups: tuple[frozenset[Ref], ...]


def decide(edges: Iterable[Edge], role: Callable[[Ref], str], judgements: Mapping[Two, Judgement],
           weights: Weights, thresholds: Thresholds) -> Decided:  # fmt: skip
    """Judge every pair among its rivals and join records into organizations, whatever the order of the edges."""
    return _Decision(edges, role, judgements, weights, thresholds).result()


def rivalries(edges: Iterable[Edge], role: Callable[[Ref], str], weights: Weights) -> dict[Two, tuple[Edge, Rivalry]]:
    """Every pair of filed company and direct account with its edge and its rivals; what training looks at."""
    return _Decision(edges, role, {}, weights, Thresholds()).rivalries()


class _Decision:
    """One run over all pairs, told in order in `result`."""

    def __init__(self, edges: Iterable[Edge], role: Callable[[Ref], str], judgements: Mapping[Two, Judgement],
                 weights: Weights, thresholds: Thresholds) -> None:  # fmt: skip
        self.weights, self.thresholds, self.role = weights, thresholds, role
        self.judged = {_ordered(pair): judgement for pair, judgement in judgements.items()}
        self.edges = {(edge.a, edge.b): edge for edge in edges}
        for pair in self.judged:
            self.edges.setdefault(pair, self._unseen(pair))
        refs = sorted({ref for pair in self.edges for ref in pair})
        self.is_direct = {ref: role(ref) == "direct" for ref in refs}
        different = [pair for pair, judgement in self.judged.items() if judgement is Judgement.DIFFERENT]
        self.groups = Groups(refs, different)
        self.links: dict[Two, Link] = {}

    def result(self) -> Decided:
        """Judged *same* first; then duplicate accounts, filed to direct, and filed with filed."""
        for pair in sorted(pair for pair, judgement in self.judged.items() if judgement is Judgement.SAME):
            self.groups.join(*pair)
        self._join_duplicates()
        self._link_filed_to_direct()
        self._link_filed_to_filed()
        links = (self._settled(link) for link in self.links.values() if link.band is not Band.NONE)
        return Decided(tuple(sorted(links, key=lambda k: (k.left, k.right))), self.groups.all())

    def rivalries(self) -> dict[Two, tuple[Edge, Rivalry]]:
        """The rivals of every pair, before any band is decided."""
        self._join_duplicates()
        cross = self._cross()
        contest = self._contest([(*pair, edge.points) for pair, edge in cross])
        return {pair: (edge, contest.rivalry(*pair)) for pair, edge in cross}

    # --- duplicates among the direct accounts

    def _join_duplicates(self) -> None:
        for pair, edge in self._falling(lambda a, b: self.is_direct[a] and self.is_direct[b]):
            link = self._link(pair, edge.points, edge.evidence, self.thresholds.duplicates)
            link = _vetoed(link, _NO_DUPLICATES)
            if link.band is Band.AUTO and not self.groups.join(*pair, self._fit_throughout):
                link = _held(link, "Another account of the same group does not fit")
            self.links[pair] = link

    def _fit_throughout(self, here: set[Ref], there: set[Ref]) -> bool:
        """Every account of one side must by itself be likely the same as every account of the other."""
        return all(
            self._probability(one, other) >= 0.5
            for one in here for other in there if self.is_direct[one] and self.is_direct[other]
        )  # fmt: skip

    # --- filed companies and direct accounts

    def _link_filed_to_direct(self) -> None:
        open_pairs = [(pair, edge) for pair, edge in self._cross() if self._judgement(pair) is not Judgement.DIFFERENT]
        answered = {filed for (filed, direct), _ in open_pairs if self._judgement((filed, direct)) is Judgement.SAME}
        contest = self._contest([(*pair, edge.points) for pair, edge in open_pairs])
        for pair, edge in open_pairs:
            if pair[0] in answered and self._judgement(pair) is None and not self.groups.together(*pair):
                continue  # a person has said which account it is
            self.links[pair] = self._among_rivals(pair, edge, contest)
        self._attach()

    def _cross(self) -> list[tuple[Two, Edge]]:
        cross = self._falling(lambda a, b: self.is_direct[a] != self.is_direct[b])
        return [((pair[1], pair[0]) if self.is_direct[pair[0]] else pair, edge) for pair, edge in cross]

    def _contest(self, scored: list[tuple[Ref, Ref, float]]) -> Contest:
        cluster = {direct: self.groups.root(direct) for _, direct, _ in scored}
        return Contest(scored, cluster, lambda one, other: self.groups.together(one, other)
                       or self._probability(one, other) >= _TWINS)  # fmt: skip

    def _among_rivals(self, pair: Two, edge: Edge, contest: Contest) -> Link:
        rivalry = contest.rivalry(*pair)
        evidence = (*edge.evidence, *rival_evidence(rivalry, self.weights))
        link = self._link(pair, total(evidence), evidence, self.thresholds.auto)
        is_close = rivalry.account_gap is not None and rivalry.account_gap < TOO_CLOSE
        if link.band is Band.AUTO and link.judgement is None and is_close:
            return _held(link, "Two accounts fit")
        return link

    def _attach(self) -> None:
        """Join each filed company to the one account, or cluster of duplicates, that it surely means."""
        autos = [(pair, link) for pair, link in self.links.items() if link.band is Band.AUTO and pair[0] == link.left]
        cross = [(pair, link) for pair, link in autos if not self.is_direct[pair[0]] and self.is_direct[pair[1]]]
        for pair, link in sorted(cross, key=lambda item: (-item[1].points, item[0])):
            if link.judgement is None and not self.groups.join(*pair, self._one_account):
                self.links[pair] = _held(link, "It would bring together what is known to be apart")

    def _one_account(self, here: set[Ref], there: set[Ref]) -> bool:
        return not (any(map(self.is_direct.get, here)) and any(map(self.is_direct.get, there)))

    # --- filed companies among each other

    def _link_filed_to_filed(self) -> None:
        unsure = self._unsure()
        for pair, edge in self._falling(lambda a, b: not self.is_direct[a] and not self.is_direct[b]):
            link = self._link(pair, edge.points, edge.evidence, self.thresholds.auto)
            if link.band is Band.AUTO and link.judgement is None:
                if pair[0] in unsure or pair[1] in unsure:
                    link = _held(link, "Which account one of them means is under review")
                elif not self.groups.join(*pair, self._may_follow):
                    link = _held(link, "It would bring together what is known to be apart")
            self.links[pair] = link

    def _unsure(self) -> set[Ref]:
        """Filed companies whose link to a direct account waits for a person; they join nobody by themselves."""
        bands: dict[Ref, set[Band]] = {}
        for (left, right), link in self.links.items():
            if not self.is_direct[left] and self.is_direct[right]:
                bands.setdefault(left, set()).add(link.band)
        return {ref for ref, seen in bands.items() if Band.REVIEW in seen and Band.AUTO not in seen}

    def _may_follow(self, here: set[Ref], there: set[Ref]) -> bool:
        """At most one account in the group, and most filed companies of both sides fit each other."""
        if not self._one_account(here, there):
            return False
        pairs = [(a, b) for a in here for b in there if not self.is_direct[a] and not self.is_direct[b]]
        fitting = sum(self._probability(a, b) >= 0.5 for a, b in pairs)
        return 2 * fitting >= len(pairs)

    # --- shared

    def _falling(self, wanted: Callable[[Ref, Ref], bool]) -> list[tuple[Two, Edge]]:
        found = [(pair, edge) for pair, edge in self.edges.items() if wanted(*pair)]
        return sorted(found, key=lambda item: (-item[1].points, item[0]))

    def _link(self, pair: Two, points: float, evidence: tuple[Evidence, ...], auto: float) -> Link:
        judgement = self._judgement(pair)
        probability = self.weights.probability(points)
        review = self.thresholds.review if self.is_direct[pair[0]] != self.is_direct[pair[1]] else self.thresholds.twins
        band = Band.AUTO if probability >= auto else Band.REVIEW if probability >= review else Band.NONE
        link = Link(*pair, probability, points, band, evidence, judgement)
        if judgement is not None:
            return replace(link, band=_BAND_OF[judgement])
        return _vetoed(link, _HOLDS)

    def _settled(self, link: Link) -> Link:
        """A link is automatic only inside one group, so that the groups are the parts joined by automatic links."""
        if link.band is Band.AUTO and not self.groups.together(link.left, link.right):
            return _held(link, "A person judged others of the group different")
        return link

    def _judgement(self, pair: Two) -> Judgement | None:
        return self.judged.get(_ordered(pair))

    def _probability(self, one: Ref, other: Ref) -> float:
        pair = _ordered((one, other))
        if self.judged.get(pair) is Judgement.SAME:
            return 1.0
        edge = self.edges.get(pair)
        return self.weights.probability(edge.points) if edge else 0.0

    def _unseen(self, pair: Two) -> Edge:
        """A pair that no key brought together, known only because a person judged it."""
        alone = Evidence("found_by_no_key", FLOOR, "Not found by any key")
        return Edge(*pair, FLOOR, (alone,))


_BAND_OF = {Judgement.SAME: Band.AUTO, Judgement.DIFFERENT: Band.NONE, Judgement.UNSURE: Band.REVIEW}


def _ordered(pair: Two) -> Two:
    return pair if pair[0] <= pair[1] else (pair[1], pair[0])


def _vetoed(link: Link, holds: Mapping[str, str]) -> Link:
    if link.judgement is not None:
        return link
    claims = {e.claim for e in link.evidence}
    if "different_tax_id" in claims and "same_tax_id" not in claims:
        return replace(link, band=Band.NONE)
    if link.band is Band.AUTO and "same_tax_id" not in claims:
        for claim, words in holds.items():
            if claim in claims:
                return _held(link, words)
    return link


_HOLDS = {
    "different_numbers": "Numbers in the names differ",
    "no_name": "One of the records has no name",
    "no_word_agrees": "The names have nothing in common",
    "other_name_at_same_place": "The names hardly agree",
    "both_have_own_words": "Each name has words of its own",
    "different_places": "The names say different places",
    "initials_agree": "Initials alone do not identify a company",
}


_NO_DUPLICATES = {
    "different_legal_form": "Two accounts with different legal forms may be two companies",
    "shortened_word": "Two accounts of which one shortens a word may be two companies",
    "one_side_has_extra_words": "Two accounts of which one name says more may be two companies",
}


def _held(link: Link, why: str) -> Link:
    """The link waits for a person, and says why; the points stay."""
    return replace(link, band=Band.REVIEW, evidence=(*link.evidence, Evidence("held_for_review", 0.0, f"Held: {why}")))
