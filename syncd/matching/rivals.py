"""Rivals: how far a pair is ahead of the next best on either side, and what that is worth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from syncd.matching.points import AMONG_RIVALS, Cell, Weights
from syncd.model import Evidence, Ref

TOO_CLOSE = 1.5  # points; an account that is ahead by less has a rival that fits as well

_AHEAD = ((8.0, "far"), (4.0, "clear"), (TOO_CLOSE, "ahead"))
_BEHIND = ((-TOO_CLOSE, "as_well"), (-6.0, "better"))


@dataclass(frozen=True, slots=True)
class Rivalry:
    """Best rival on either side: points ahead of it (None without a rival) and who it is."""

    account_gap: float | None
    account: Ref | None
    filing_gap: float | None
    filing: Ref | None


def rival_cells(rivalry: Rivalry) -> tuple[Cell, Cell, Cell]:
    """The starting odds of a pair whose rivals are known, and the two claims about rivals that hold for it."""
    return (
        AMONG_RIVALS,
        _cell(rivalry.account_gap, "next_best_is_far_behind", "another_account_fits_too"),
        _cell(rivalry.filing_gap, "no_other_filing_fits", "another_filing_fits_better"),
    )


def _cell(gap: float | None, ahead: str, behind: str) -> Cell:
    if gap is None:
        return (ahead, "no_other")
    if gap >= TOO_CLOSE:
        return (ahead, next(level for least, level in _AHEAD if gap >= least))
    return (behind, next((level for least, level in _BEHIND if gap >= least), "much_better"))


def best_rival_points(weights: Weights) -> float:
    """The most that knowing its rivals can be worth for a pair."""
    accounts = ("next_best_is_far_behind", "another_account_fits_too")
    filings = ("no_other_filing_fits", "another_filing_fits_better")
    best = [max((p for (claim, _), p in weights.points.items() if claim in side), default=0.0)
            for side in (accounts, filings)]  # fmt: skip
    return weights.of(AMONG_RIVALS) + sum(max(points, 0.0) for points in best)


def rival_evidence(
    rivalry: Rivalry, weights: Weights, title: Callable[[Ref], str] = str
) -> tuple[Evidence, Evidence, Evidence]:
    """What the rivals are worth, in words."""
    begin, account, filing = rival_cells(rivalry)
    return (
        Evidence(begin[0], weights.of(begin), "The rivals of this pair are known"),
        Evidence(account[0], weights.of(account), _say(rivalry.account_gap, rivalry.account, "account", title)),
        Evidence(filing[0], weights.of(filing), _say(rivalry.filing_gap, rivalry.filing, "filed company", title)),
    )


def _say(gap: float | None, rival: Ref | None, noun: str, title: Callable[[Ref], str]) -> str:
    if gap is None or rival is None:
        return f"No other {noun} comes near"
    if gap >= TOO_CLOSE:
        return f"The next best {noun} {title(rival)} is {gap:.1f} points behind"
    if gap > -TOO_CLOSE:
        return f"Another {noun} fits as well: {title(rival)}"
    return f"Another {noun} fits better: {title(rival)}, by {-gap:.1f} points"


class Contest:
    """Who competes with whom: filed companies for an account, accounts for a filed company.

    `scored` are (filed, direct, points); `cluster` names the cluster of duplicates a direct account is in, whose
    members are not each other's rivals; `are_twins` tells filed companies that are the same company typed twice.
    """

    def __init__(self, scored: Iterable[tuple[Ref, Ref, float]], cluster: Mapping[Ref, Ref],
                 are_twins: Callable[[Ref, Ref], bool]) -> None:  # fmt: skip
        self._cluster, self._are_twins = cluster, are_twins
        self._of_filed: dict[Ref, list[tuple[float, Ref]]] = {}
        best: dict[Ref, dict[Ref, float]] = {}
        for filed, direct, points in scored:
            self._of_filed.setdefault(filed, []).append((-points, direct))
            claims = best.setdefault(cluster.get(direct, direct), {})
            claims[filed] = max(points, claims.get(filed, points))
        self._of_cluster = {name: sorted((-points, filed) for filed, points in claims.items())
                            for name, claims in best.items()}  # fmt: skip
        for ranked in self._of_filed.values():
            ranked.sort()

    def rivalry(self, filed: Ref, direct: Ref) -> Rivalry:
        """The best rivals of one pair. A pair is as strong as the strongest of the account's duplicates."""
        own = self._cluster.get(direct, direct)
        claims = self._of_cluster[own]
        points = next(-p for p, ref in claims if ref == filed)
        account = next(((-p, ref) for p, ref in self._of_filed[filed] if self._cluster.get(ref, ref) != own), None)
        filing = next(((-p, ref) for p, ref in claims if ref != filed and not self._are_twins(filed, ref)), None)
        return Rivalry(
            points - account[0] if account else None,
            account[1] if account else None,
            points - filing[0] if filing else None,
            filing[1] if filing else None,
        )
