"""The company that a lead or a contact stands for, so that it is matched as an account is."""

from __future__ import annotations

from syncd.model import Account, Contact, Lead


def company_of(record: Lead | Contact) -> Account | None:
    """The company behind a person, under the person's ref; None where an account stands for it already.

    A lead names its company; once converted, the account it became stands for it. A contact without an account is
    known by the domain of its address and its telephone only: it may be linked for review, never automatically,
    because nothing gives the company's name. Free-mail domains say nothing and are left out when the record is read.
    """
    if record.account_id:
        return None
    if isinstance(record, Lead):
        if record.is_converted or not (record.company or record.website or record.email):
            return None
        return Account(
            record.ref, name=record.company, website=record.website, email=record.email, phone=record.phone,
            city=record.city, postcode=record.postcode, country=record.country, created_at=record.created_at,
            modified_at=record.modified_at,
        )  # fmt: skip
    if not (record.email or record.phone):
        return None
    return Account(record.ref, email=record.email, phone=record.phone, created_at=record.created_at,
                   modified_at=record.modified_at)  # fmt: skip
