"""Groups of records joined pair by pair, never across what a person judged different."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from syncd.model import Ref


class Groups:
    """A partition that grows by joins; a join is checked against judged *different* pairs and the caller's rule."""

    def __init__(self, refs: Iterable[Ref], different: Iterable[tuple[Ref, Ref]]) -> None:
        self._root = {ref: ref for ref in refs}
        self._members = {ref: {ref} for ref in self._root}
        self._different: dict[Ref, set[Ref]] = {}
        for one, other in different:
            self._different.setdefault(one, set()).add(other)
            self._different.setdefault(other, set()).add(one)

    def __contains__(self, ref: Ref) -> bool:
        return ref in self._root

    def root(self, ref: Ref) -> Ref:
        """The ref that stands for the group of `ref`: its smallest member."""
        while self._root[ref] != ref:
            ref = self._root[ref]
        return ref

    def members(self, ref: Ref) -> set[Ref]:
        """All members of the group of `ref`."""
        return self._members[self.root(ref)]

    def together(self, one: Ref, other: Ref) -> bool:
        """Whether both are in one group."""
        return self.root(one) == self.root(other)

    def parted(self, one: Ref, other: Ref) -> bool:
        """Whether a person judged a record of the one group different from a record of the other."""
        return self._parted(self.members(one), self.members(other))

    def join(self, one: Ref, other: Ref, allows: Callable[[set[Ref], set[Ref]], bool] | None = None) -> bool:
        """Make one group of two; False when a person's *different* or `allows` stands against it."""
        left, right = sorted((self.root(one), self.root(other)))
        if left == right:
            return True
        here, there = self._members[left], self._members[right]
        if self._parted(here, there) or (allows is not None and not allows(here, there)):
            return False
        self._root[right] = left
        self._members[left] = here | self._members.pop(right)
        return True

    def all(self) -> tuple[frozenset[Ref], ...]:
        """The groups, ordered by their smallest member."""
        return tuple(frozenset(self._members[root]) for root in sorted(self._members))

    def _parted(self, here: set[Ref], there: set[Ref]) -> bool:
        small, large = (here, there) if len(here) <= len(there) else (there, here)
        return any(not large.isdisjoint(self._different[ref]) for ref in small if ref in self._different)
