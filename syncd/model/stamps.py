"""The one table of stamp fields: what syncd wants to show on a CRM record, by name, type, and values.

Mappings, connectors, packages, provisioning and consoles all read this table; nothing else may name a stamp.
Stamps carry codes and parameters, never sentences: words are made where they are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class StampStatus(StrEnum):
    """What a stamped account or opportunity says. *Ending soon* is read from `until`, so it needs no write."""

    PENDING = "pending"
    PROTECTED = "protected"
    REVIEW = "review"
    DIRECT = "direct"
    ENDED = "ended"


class FilingStatus(StrEnum):
    """What the PRM record of a registration is told."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    RETURNED = "returned"
    WAITING = "waiting"
    REVIEW = "review"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class StampType(StrEnum):
    """How a stamp is stored in a CRM field."""

    PICKLIST = "picklist"
    TEXT = "text"
    NUMBER = "number"
    DATETIME = "datetime"


@dataclass(frozen=True, slots=True)
class StampField:
    """One field.

    `compared=False` marks a field that is written along but never by itself a reason to write; `personal` one
    that holds a person's name.
    """

    name: str
    type: StampType
    meaning: str
    objects: frozenset[str]
    length: int = 0
    values: tuple[str, ...] = ()
    minimal: bool = False
    compared: bool = True
    personal: bool = False


_CRM = frozenset({"accounts", "opportunities"})
_PRM = frozenset({"registrations"})
_ALL = _CRM | _PRM

STAMP_FIELDS: tuple[StampField, ...] = (
    StampField(
        "status",
        StampType.PICKLIST,
        "State of the protection on an account or opportunity; state of the filing on a registration.",
        _ALL,
        values=tuple(s.value for s in StampStatus),
        minimal=True,
    ),
    StampField("partner", StampType.TEXT, "Name of the partner that holds or claims.", _CRM, 255, minimal=True),
    StampField("scope", StampType.TEXT, "Product codes covered, joined by `;`.", _CRM, 255),
    StampField("since", StampType.DATETIME, "Start of the protection.", _CRM),
    StampField(
        "until", StampType.DATETIME, "End of the protection; that instant is no longer covered.", _ALL, minimal=True
    ),
    StampField("reason", StampType.TEXT, "Reason code; on a registration only codes that a partner may see.", _ALL, 80),
    StampField("contact", StampType.TEXT, "The vendor's channel manager to ask.", _CRM, 255, personal=True),
    StampField("number", StampType.TEXT, "Number of the registration.", _ALL, 40, minimal=True),
    StampField("count", StampType.NUMBER, "How many protections cover the account.", frozenset({"accounts"})),
    StampField("received_at", StampType.DATETIME, "Priority time of the registration.", _PRM),
    StampField("as_of", StampType.DATETIME, "When the content of this stamp was decided.", _ALL, compared=False),
)

STAMP_BY_NAME = {field.name: field for field in STAMP_FIELDS}


def stamp_values(stream: str) -> tuple[str, ...]:
    """The values that `status` can take on records of `stream`."""
    return tuple(s.value for s in (FilingStatus if stream == "registrations" else StampStatus))
