"""Decides over scored pairs: bands, links and organizations, from edges, roles and what people have judged."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from syncd.matching.groups import Groups
from syncd.matching.points import Weights
from syncd.matching.rivals import TOO_CLOSE, Contest, Rivalry, rival_evidence
from syncd.matching.score import FLOOR, Edge, total
from syncd.model import SAME_GROUP, Band, Evidence, Judgement, Link, Ref

Two = tuple[Ref, Ref]

LIKELY = 0.5
"""Filed companies at least this likely the same are not each other's rivals, accounts may be in one group."""
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
    connections: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """(auto, review) of connections that have their own, by uid; across two of them the more careful one holds."""

    def across(self, one: Ref, other: Ref) -> tuple[float, float]:
        """(auto, review) of a pair of filed company and direct account."""
        if not self.connections:
            return self.auto, self.review
        both = [self.connections.get(ref.connection, (self.auto, self.review)) for ref in (one, other)]
        return max(auto for auto, _ in both), min(review for _, review in both)

    @property
    def version(self) -> str:
        """Changes when any of them does."""
        own = " ".join(f"{uid}={auto}/{review}" for uid, (auto, review) in sorted(self.connections.items()))
        return f"{self.auto} {self.review} {self.duplicates} {self.twins} {own}".rstrip()


@dataclass(frozen=True, slots=True)
class Decided:
    """What follows from all pairs: links of every band above none, and every seen record in exactly one group.

    The groups are the connected parts of the links of the band auto.
    """

    links: tuple[Link, ...]
    groups: tuple[frozenset[Ref], ...]


def decide(edges: Iterable[Edge], role: Callable[[Ref], str], judgements: Mapping[Two, Judgement],
           weights: Weights, thresholds: Thresholds, *, scope: Collection[Ref] | None = None,
           said: Mapping[Two, int] | None = None) -> Decided:  # fmt: skip
    """Judge every pair among its rivals and join records into organizations, whatever the order of the edges.

    What people judged *different* always holds, also for what they judged the same as one of the two. Where their
    words cannot all be true, the newest *same* is heard first (`said`: a number that grows with time, by pair), and
    one that cannot be followed is held for review with that reason.

    With `scope`, only those links come out whose filed company (between two records of one side: both records) is in
    it, and every record of it in its group. The edges given are then those that `syncd.matching.reach` asks for.
    """
    return _Decision(edges, role, judgements, weights, thresholds, scope, said).result()


def rivalries(edges: Iterable[Edge], role: Callable[[Ref], str], weights: Weights) -> dict[Two, tuple[Edge, Rivalry]]:
    """Every pair of filed company and direct account with its edge and its rivals; what training looks at."""
    return _Decision(edges, role, {}, weights, Thresholds()).rivalries()


class _Decision:
    """One run over all pairs, told in order in `result`."""

    def __init__(self, edges: Iterable[Edge], role: Callable[[Ref], str], judgements: Mapping[Two, Judgement],
                 weights: Weights, thresholds: Thresholds, scope: Collection[Ref] | None = None,
                 said: Mapping[Two, int] | None = None) -> None:  # fmt: skip
        self.weights, self.thresholds, self.role, self.scope = weights, thresholds, role, scope
        self.judged = {ordered(pair): judgement for pair, judgement in judgements.items()}
        self.said_at = {ordered(pair): at for pair, at in (said or {}).items()}
        self.edges = {(edge.a, edge.b): edge for edge in edges}
        for pair in self.judged:
            self.edges.setdefault(pair, unseen(pair))
        refs = sorted({ref for pair in self.edges for ref in pair} | set(scope or ()))
        self.is_direct = {ref: role(ref) == "direct" for ref in refs}
        different = [pair for pair, judgement in self.judged.items() if judgement is Judgement.DIFFERENT]
        self.groups = Groups(refs, different)
        self.words = Groups({ref for pair in self.judged for ref in pair}, different)
        self.links: dict[Two, Link] = {}

    def result(self) -> Decided:
        """Judged *same* first; then duplicate accounts, filed to direct, and filed with filed."""
        self._join_judged()
        self._join_duplicates()
        self._link_filed_to_direct()
        self._link_filed_to_filed()
        links = (self._settled(link) for link in self.links.values() if link.band is not Band.NONE)
        groups = self.groups.all()
        if self.scope is not None:
            groups = tuple(group for group in groups if not group.isdisjoint(self.scope))
        return Decided(tuple(sorted(links, key=lambda k: (k.left, k.right))), groups)

    def _join_judged(self) -> None:
        same = (pair for pair, judgement in self.judged.items() if judgement is Judgement.SAME)
        for pair in sorted(same, key=lambda pair: (-self.said_at.get(pair, 0), pair)):
            self.groups.join(*pair)
            self.words.join(*pair)

    def _concerns(self, pair: Two) -> bool:
        """Whether the link of a pair is asked for; rivals and duplicates of its records are looked at anyway."""
        if self.scope is None:
            return True
        asked = [ref for ref in pair if not self.is_direct[ref]] or pair
        return all(ref in self.scope for ref in asked)

    def rivalries(self) -> dict[Two, tuple[Edge, Rivalry]]:
        """The rivals of every pair, before any band is decided."""
        self._join_judged()
        self._join_duplicates()
        cross = self._cross()
        contest = self._contest([(*pair, edge.points) for pair, edge in cross])
        return {pair: (edge, contest.rivalry(*pair)) for pair, edge in cross}

    # --- duplicates among the direct accounts

    def _join_duplicates(self) -> None:
        for pair, edge in self._falling(lambda a, b: self.is_direct[a] and self.is_direct[b]):
            link = self._link(pair, edge.points, edge.evidence, self.thresholds.duplicates)
            link = _vetoed(link, _NO_DUPLICATES)
            is_free = link.band is Band.AUTO and link.judgement is None
            if is_free and not self.groups.join(*pair, self._fit_throughout):
                link = _held(link, _UNFIT)
            if self._concerns(pair):
                self.links[pair] = link

    def _fit_throughout(self, here: set[Ref], there: set[Ref]) -> bool:
        """Every account of one side must by itself be likely the same as every account of the other."""
        return all(
            self._probability(one, other) >= LIKELY
            for one in here for other in there if self.is_direct[one] and self.is_direct[other]
        )  # fmt: skip

    # --- filed companies and direct accounts

    def _link_filed_to_direct(self) -> None:
        open_pairs = [(pair, edge) for pair, edge in self._cross() if self._judgement(pair) is not Judgement.DIFFERENT]
        answered = {filed for (filed, direct), _ in open_pairs if self._judgement((filed, direct)) is Judgement.SAME}
        contest = self._contest([(*pair, edge.points) for pair, edge in open_pairs])
        for pair, edge in open_pairs:
            if not self._concerns(pair):
                continue
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
                       or are_twins(self.edges.get(ordered((one, other))), self.weights))  # fmt: skip

    def _among_rivals(self, pair: Two, edge: Edge, contest: Contest) -> Link:
        rivalry = contest.rivalry(*pair)
        evidence = (*edge.evidence, *rival_evidence(rivalry, self.weights))
        link = self._link(pair, total(evidence), evidence, self.thresholds.across(*pair)[0])
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
                self.links[pair] = _held(link, _APART)

    def _one_account(self, here: set[Ref], there: set[Ref]) -> bool:
        return not (any(map(self.is_direct.get, here)) and any(map(self.is_direct.get, there)))

    # --- filed companies among each other

    def _link_filed_to_filed(self) -> None:
        unsure = self._unsure()
        for pair, edge in self._falling(lambda a, b: not self.is_direct[a] and not self.is_direct[b]):
            if not self._concerns(pair):
                continue
            link = self._link(pair, edge.points, edge.evidence, self.thresholds.auto)
            if link.band is Band.AUTO and link.judgement is None:
                if pair[0] in unsure or pair[1] in unsure:
                    link = _held(link, _OPEN)
                elif not self.groups.join(*pair, self._may_follow):
                    link = _held(link, _APART)
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
        fitting = sum(self._probability(a, b) >= LIKELY for a, b in pairs)
        return 2 * fitting >= len(pairs)

    # --- shared

    def _falling(self, wanted: Callable[[Ref, Ref], bool]) -> list[tuple[Two, Edge]]:
        found = [(pair, edge) for pair, edge in self.edges.items() if wanted(*pair)]
        return sorted(found, key=lambda item: (-item[1].points, item[0]))

    def _link(self, pair: Two, points: float, evidence: tuple[Evidence, ...], auto: float) -> Link:
        judgement = self._judgement(pair)
        probability = self.weights.probability(points)
        is_across = self.is_direct[pair[0]] != self.is_direct[pair[1]]
        review = self.thresholds.across(*pair)[1] if is_across else self.thresholds.twins
        band = Band.AUTO if probability >= auto else Band.REVIEW if probability >= review else Band.NONE
        link = Link(*pair, probability, points, band, evidence, judgement)
        if judgement is None:
            return _vetoed(link, _HOLDS)
        link = replace(link, band=_BAND_OF[judgement], evidence=(*evidence, *self._doubts(pair, judgement, evidence)))
        return link

    def _doubts(self, pair: Two, judgement: Judgement, evidence: tuple[Evidence, ...]) -> list[Evidence]:
        """What has to be said of a person's word: that it follows from others, that the facts speak against it."""
        found = []
        if pair not in self.judged and ordered(pair) not in self.judged:
            found.append(Evidence("follows_from_judgements", 0.0, "A person said so of records that are the same"))
        against = speaks_against(judgement, evidence)
        if against:
            words = f"A person said {judgement.value} although {against}"
            found.append(Evidence("judged_against_evidence", 0.0, words))
        return found

    def _settled(self, link: Link) -> Link:
        """A link is automatic only inside one group, so that the groups are the parts joined by automatic links."""
        if link.band is Band.AUTO and not self.groups.together(link.left, link.right):
            return _held(link, _PARTED)
        return _of_one_group(link)

    def _judgement(self, pair: Two) -> Judgement | None:
        """What a person said of the pair, or what follows from it: same as the same, different from the same."""
        spoken = self.judged.get(ordered(pair))
        if spoken is not None or not (pair[0] in self.words and pair[1] in self.words):
            return spoken
        if self.words.together(*pair):
            return Judgement.SAME
        return Judgement.DIFFERENT if self.words.parted(*pair) else None

    def _probability(self, one: Ref, other: Ref) -> float:
        pair = ordered((one, other))
        if self.judged.get(pair) is Judgement.SAME:
            return 1.0
        edge = self.edges.get(pair)
        return self.weights.probability(edge.points) if edge else 0.0


def unseen(pair: Two) -> Edge:
    """A pair that no key brought together, known only because a person judged it."""
    alone = Evidence("found_by_no_key", FLOOR, "Not found by any key")
    return Edge(*pair, FLOOR, (alone,))


def speaks_against(judgement: Judgement, evidence: Iterable[Evidence]) -> str:
    """Why the facts of a pair contradict what a person said of it, in words; empty when they do not."""
    claims = {e.claim for e in evidence}
    if judgement is Judgement.SAME and "different_tax_id" in claims and "same_tax_id" not in claims:
        return "their tax or register numbers differ"
    if judgement is Judgement.DIFFERENT and "same_tax_id" in claims:
        return "they have one tax or register number"
    return ""


_BAND_OF = {Judgement.SAME: Band.AUTO, Judgement.DIFFERENT: Band.NONE, Judgement.UNSURE: Band.REVIEW}


def ordered(pair: Two) -> Two:
    """The pair with the smaller ref first."""
    return pair if pair[0] <= pair[1] else (pair[1], pair[0])


def _vetoed(link: Link, holds: Mapping[str, str]) -> Link:
    if link.judgement is not None:
        return link
    claims = {e.claim for e in link.evidence}
    if "different_tax_id" in claims and "same_tax_id" not in claims:
        return replace(link, band=Band.REVIEW if link.band is not Band.NONE and "same_domain" in claims else Band.NONE)
    if link.band is Band.AUTO and "same_tax_id" not in claims:
        for claim, words in holds.items():
            if claim in claims:
                return _held(link, words)
    return link


def are_twins(edge: Edge | None, weights: Weights) -> bool:
    """Whether two filed companies are so surely one, typed twice, that they are not each other's rivals."""
    if edge is None or weights.probability(edge.points) < _TWINS:
        return False
    return edge.claims().isdisjoint(_HOLDS.keys() | _NO_DUPLICATES.keys())


_TWINS = 0.97

_HOLDS = {
    "different_numbers": "Numbers in the names differ",
    "person_and_company": "One is a person, the other a company",
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


_HELD = "held_for_review"
_UNFIT = "Another account of the same group does not fit"
_APART = "It would bring together what is known to be apart"
_OPEN = "Which account one of them means is under review"
_PARTED = "A person judged others of the group different"
_BY_GROUP = {f"Held: {why}" for why in (_UNFIT, _APART, _OPEN, _PARTED)}


def _held(link: Link, why: str) -> Link:
    """The link waits for a person, and says why; the points stay."""
    return replace(link, band=Band.REVIEW, evidence=(*link.evidence, Evidence(_HELD, 0.0, f"Held: {why}")))


def is_held_by_group(link: Link) -> bool:
    """Whether the pair by itself is automatic, and waits only because of whom it would bring together."""
    return any(e.claim == _HELD and e.sentence in _BY_GROUP for e in link.evidence)


_OWN_WORDS = {"different_places", "both_have_own_words", "different_numbers", "different_tax_id"}
_GROUP_SIGNS = {"same_domain", "rare_words_agree"}


def _of_one_group(link: Link) -> Link:
    """Labels a link for review whose records share a web site or a rare name, and yet are told apart by their names."""
    claims = {e.claim for e in link.evidence}
    if link.band is not Band.REVIEW or link.judgement is not None or "no_word_agrees" in claims:
        return link
    if not (claims & _OWN_WORDS and claims & _GROUP_SIGNS):
        return link
    label = Evidence(SAME_GROUP, 0.0, "Same group: parent, subsidiary or sister company rather than the same one")
    return replace(link, evidence=(*link.evidence, label))
