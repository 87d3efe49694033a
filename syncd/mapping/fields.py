"""The canonical fields of each stream: their kinds, and which of them a mapping must give."""

from __future__ import annotations

from dataclasses import fields
from enum import StrEnum
from typing import Any, NamedTuple

from syncd.mapping import convert
from syncd.model import Account, Opportunity, Partner, Registration, Stream, User


class FieldKind(StrEnum):
    """What a canonical field holds."""

    TEXT = "text"
    TEXTS = "texts"
    NUMBER = "number"
    YES_NO = "yes or no"
    DAY = "day"
    INSTANT = "instant"
    MONEY = "money"
    CODES = "codes"
    STATUS = "status"


RECORDS: dict[Stream, type[Any]] = {
    Stream.ACCOUNTS: Account,
    Stream.OPPORTUNITIES: Opportunity,
    Stream.REGISTRATIONS: Registration,
    Stream.PARTNERS: Partner,
    Stream.USERS: User,
}

REQUIRED: dict[Stream, frozenset[str]] = {
    Stream.ACCOUNTS: frozenset({"name"}),
    Stream.OPPORTUNITIES: frozenset({"account_id", "is_closed", "is_won", "created_at"}),
    Stream.REGISTRATIONS: frozenset({"partner_id", "status"}),
    Stream.PARTNERS: frozenset({"partner_id", "name", "status"}),
    Stream.USERS: frozenset({"email"}),
}
"""What must be mapped; a registration needs `company_id` or a `company` block besides."""

MEANING: dict[FieldKind, str] = {
    FieldKind.TEXT: "A text.",
    FieldKind.TEXTS: "Several texts.",
    FieldKind.NUMBER: "A whole number.",
    FieldKind.YES_NO: "True or false.",
    FieldKind.DAY: "A day.",
    FieldKind.INSTANT: "A date and time with its zone.",
    FieldKind.MONEY: "An amount with its currency: `{amount: ..., currency: ...}`.",
    FieldKind.CODES: "A set of codes.",
    FieldKind.STATUS: "One of draft, submitted, approved, rejected, withdrawn, expired.",
}

_KINDS = {
    "str": FieldKind.TEXT,
    "str | None": FieldKind.TEXT,
    "tuple[str, ...]": FieldKind.TEXTS,
    "int | None": FieldKind.NUMBER,
    "bool": FieldKind.YES_NO,
    "date | None": FieldKind.DAY,
    "datetime | None": FieldKind.INSTANT,
    "Money | None": FieldKind.MONEY,
    "frozenset[str]": FieldKind.CODES,
    "FiledStatus": FieldKind.STATUS,
}


class Canonical(NamedTuple):
    """One field of a canonical record."""

    name: str
    kind: FieldKind


def canonical_fields(stream: Stream) -> tuple[Canonical, ...]:
    """What can be mapped in a stream."""
    return tuple(Canonical(f.name, _KINDS[str(f.type)]) for f in fields(RECORDS[stream]) if f.name != "ref")


def converter(name: str, kind: FieldKind) -> convert.Convert:
    """How a single native value becomes the field's value."""
    return {
        FieldKind.NUMBER: convert.count,
        FieldKind.YES_NO: convert.yes_no,
        FieldKind.DAY: convert.day,
        FieldKind.INSTANT: convert.instant,
        FieldKind.STATUS: convert.status,
    }.get(kind) or convert.text(convert.text_limit(name))
