"""Provisioning where syncd defines no fields: what is missing is told, and made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from syncd.model import Checked, FieldWanted, Fit, MissingField, Part, Provisioned, ReadSpec, StampType

_KINDS = {
    StampType.PICKLIST: "a choice or a text",
    StampType.TEXT: "a text",
    StampType.NUMBER: "a number",
    StampType.DATETIME: "a date with a time",
}


class Checks(Protocol):
    """What can be asked whether fields are there."""

    def check(self, specs: Sequence[ReadSpec], writable: Mapping[str, Sequence[str]]) -> Checked:
        """As the port has it."""
        ...


def by_hand(system: Checks, wanted: Sequence[FieldWanted]) -> Provisioned:
    """Every field that is needed: there, or what has to be made."""
    writable: dict[str, list[str]] = {}
    for one in wanted:
        writable.setdefault(one.object, []).append(one.name)
    problems = system.check([], writable).problems
    missing = {(p.object, p.field) for p in problems if isinstance(p, MissingField)}
    parts = [_part(one, (one.object, one.name) in missing) for one in wanted]
    others = [Part("", "", "field", Fit.BY_HAND, p) for p in problems if not isinstance(p, MissingField)]
    return Provisioned((*parts, *others))


def _part(wanted: FieldWanted, is_missing: bool) -> Part:
    place = f"{wanted.object}.{wanted.name}"
    if not is_missing:
        return Part(wanted.object, wanted.name, "field", Fit.FITS, f"{place} is there.")
    return Part(wanted.object, wanted.name, "field", Fit.BY_HAND, f"{place} is not there: make {described(wanted)}.")


def described(wanted: FieldWanted) -> str:
    """What kind of field it has to be, in words."""
    if wanted.values:
        return f"{_KINDS[wanted.type]} with the values {', '.join(wanted.values)}"
    return f"{_KINDS[wanted.type]} of {wanted.length} characters" if wanted.length else _KINDS[wanted.type]
