"""The canonical fields of each stream: their kinds, and which of them a mapping must give."""

from __future__ import annotations

from dataclasses import fields
from enum import StrEnum
from typing import Any, NamedTuple

from syncd.mapping import convert
from syncd.model import (
    Account,
    Activity,
    Change,
    Contact,
    Contract,
    Document,
    ExceptionRequest,
    Lead,
    LineItem,
    ListEntry,
    Opportunity,
    Partner,
    Rate,
    Registration,
    Stage,
    Stream,
    Territory,
    User,
)


class FieldKind(StrEnum):
    """What a canonical field holds."""

    TEXT = "text"
    TEXTS = "texts"
    NUMBER = "number"
    FACTOR = "factor"
    YES_NO = "yes or no"
    DAY = "day"
    INSTANT = "instant"
    MONEY = "money"
    CODES = "codes"
    STATUS = "status"


RECORDS: dict[Stream, type[Any]] = {
    Stream.ACCOUNTS: Account,
    Stream.OPPORTUNITIES: Opportunity,
    Stream.LINE_ITEMS: LineItem,
    Stream.REGISTRATIONS: Registration,
    Stream.LEADS: Lead,
    Stream.CONTACTS: Contact,
    Stream.ACTIVITIES: Activity,
    Stream.HISTORY: Change,
    Stream.PARTNERS: Partner,
    Stream.USERS: User,
    Stream.TERRITORIES: Territory,
    Stream.CONTRACTS: Contract,
    Stream.DOCUMENTS: Document,
    Stream.EXCEPTIONS: ExceptionRequest,
    Stream.LISTS: ListEntry,
    Stream.STAGES: Stage,
    Stream.RATES: Rate,
}

REQUIRED: dict[Stream, frozenset[str]] = {
    Stream.ACCOUNTS: frozenset({"name"}),
    Stream.OPPORTUNITIES: frozenset({"account_id", "is_closed", "is_won", "created_at"}),
    Stream.REGISTRATIONS: frozenset({"partner_id", "status"}),
    Stream.PARTNERS: frozenset({"partner_id", "name", "status"}),
    Stream.USERS: frozenset({"email"}),
    Stream.LINE_ITEMS: frozenset({"opportunity_id", "product"}),
    Stream.LEADS: frozenset({"company", "is_converted"}),
    Stream.CONTACTS: frozenset({"account_id"}),
    Stream.ACTIVITIES: frozenset({"happened_at"}),
    Stream.HISTORY: frozenset({"record_id", "field", "changed_at"}),
    Stream.TERRITORIES: frozenset({"name"}),
    Stream.CONTRACTS: frozenset({"account_id"}),
    Stream.DOCUMENTS: frozenset({"record_id", "name"}),
    Stream.EXCEPTIONS: frozenset({"record_id", "reason"}),
    Stream.LISTS: frozenset({"kind"}),
    Stream.STAGES: frozenset({"key", "is_closed", "is_won"}),
    Stream.RATES: frozenset({"currency", "rate"}),
}
"""What must be mapped; a registration needs `company_id` or a `company` block besides."""

MEANING: dict[FieldKind, str] = {
    FieldKind.TEXT: "A text.",
    FieldKind.TEXTS: "Several texts.",
    FieldKind.NUMBER: "A whole number.",
    FieldKind.FACTOR: "A number, with decimals where need be.",
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
    "Decimal | None": FieldKind.FACTOR,
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
        FieldKind.FACTOR: convert.factor,
        FieldKind.YES_NO: convert.yes_no,
        FieldKind.DAY: convert.day,
        FieldKind.INSTANT: convert.instant,
        FieldKind.STATUS: convert.status,
    }.get(kind) or convert.text(convert.text_limit(name))
