"""Parents: what each record hangs on, in the same system."""

from __future__ import annotations

from syncd.jobs.work import Side
from syncd.model import (
    Account,
    Activity,
    CanonicalRecord,
    Change,
    Contact,
    Contract,
    Document,
    ExceptionRequest,
    Lead,
    LineItem,
    ListEntry,
    Opportunity,
    Ref,
    Registration,
    Stream,
    Territory,
)

_BESIDE = {
    Change: (Stream.OPPORTUNITIES, Stream.REGISTRATIONS, Stream.ACCOUNTS),
    Document: (Stream.REGISTRATIONS, Stream.OPPORTUNITIES),
    ExceptionRequest: (Stream.OPPORTUNITIES, Stream.ACCOUNTS),
}
"""What a record that names another one only by its id belongs to: the first of these that the connection has."""


def hangs_on(record: CanonicalRecord, side: Side) -> Ref | None:
    """The record that this one is about; a registration that carries its company itself hangs on itself, and an
    account on the one that owns it."""
    if isinstance(record, Account):
        return _at(side, Stream.ACCOUNTS, record.parent_id)
    if isinstance(record, Registration):
        return _at(side, Stream.ACCOUNTS, record.company_id) or record.ref
    if isinstance(record, LineItem):
        return _at(side, Stream.OPPORTUNITIES, record.opportunity_id)
    if isinstance(record, Activity):
        return (
            _at(side, Stream.OPPORTUNITIES, record.opportunity_id)
            or _at(side, Stream.ACCOUNTS, record.account_id)
            or _at(side, Stream.CONTACTS, record.contact_id)
        )
    if isinstance(record, Opportunity | Lead | Contact | Territory | Contract | ListEntry):
        return _at(side, Stream.ACCOUNTS, record.account_id)
    if isinstance(record, Change | Document | ExceptionRequest):
        found = (_at(side, stream, record.record_id) for stream in _BESIDE[type(record)])
        return next((ref for ref in found if ref is not None), None)
    return None


def _at(side: Side, stream: Stream, id_: str | None) -> Ref | None:
    mapping = side.streams.get(stream)
    return Ref(side.uid, mapping.object, id_) if mapping is not None and id_ else None
