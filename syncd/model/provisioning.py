"""Provisioning: the fields that stamps need in a CRM, and how each of them is found there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from syncd.model.stamps import StampType


@dataclass(frozen=True, slots=True)
class FieldWanted:
    """A native field that a mapping names for something syncd writes.

    `values` are those that a choice must offer, in order; `length` is the longest text, 0 where it is not limited.
    `can_make` is False for a field that is the customer's own, such as the one that names the owner.
    """

    object: str
    name: str
    type: StampType
    label: str
    meaning: str
    length: int = 0
    values: tuple[str, ...] = ()
    can_make: bool = True


@dataclass(frozen=True, slots=True)
class HeartbeatWanted:
    """Where banners shall read that syncd is alive, as far as the settings say: one field of one record."""

    object: str = ""
    field: str = ""
    id: str = ""


class Fit(StrEnum):
    """How something that is needed is found."""

    FITS = "fits"  # there, and it takes what syncd writes
    MISSING = "missing"  # syncd can make it
    MADE = "made"  # syncd has just made it
    BY_HAND = "by_hand"  # a person must make it or give a right; the sentence says how
    CONFLICT = "conflict"  # there, and unfit; nothing is made as long as there is one


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is needed: a `field`, the `options` of a choice, a `group`, or a `record`.

    `said` is a sentence for people, with the remedy where one is needed.
    """

    object: str
    name: str
    what: str
    fit: Fit
    said: str


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Everything that is needed and how it stands; `heartbeat` is the record that was found or made for it."""

    parts: tuple[Part, ...] = ()
    heartbeat: HeartbeatWanted | None = None

    def having(self, *fits: Fit) -> tuple[Part, ...]:
        """The parts that are found so."""
        return tuple(part for part in self.parts if part.fit in fits)
