"""Features that an org may have switched on: person accounts and several currencies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from syncd.emulator.salesforce.checks import not_writable
from syncd.emulator.salesforce.schema import Field, SObject
from syncd.emulator.salesforce.standard import parse_fields
from syncd.emulator.salesforce.values import wire_time

if TYPE_CHECKING:
    from syncd.emulator.log import Actor
    from syncd.emulator.salesforce.store import Org

_PERSON_FIELDS = """
IsPersonAccount boolean !d
Salutation picklist(Mr.|Ms.|Mrs.|Dr.|Prof.|Mx.)
FirstName string(40)
LastName string(80)
PersonContactId reference(Contact) !
PersonEmail email
PersonMobilePhone phone
PersonTitle string(80)
"""
_CURRENCY_FIELDS = """
IsoCode picklist *
ConversionRate double *
DecimalPlaces int *
IsActive boolean d
IsCorporate boolean !d
"""
_ON_CONTACT = {"FirstName": "FirstName", "LastName": "LastName", "Salutation": "Salutation", "PersonEmail": "Email",
               "PersonMobilePhone": "MobilePhone", "PersonTitle": "Title"}  # fmt: skip
_PARTS = ("FirstName", "LastName", "Salutation")


def enable_person_accounts(org: Org) -> None:
    """Give Account the fields of person accounts; every account there is becomes a business account."""
    account, table = org.objects["Account"], org.tables["Account"]
    account.add(field for field in parse_fields(_PERSON_FIELDS) if account.field(field.name) is None)
    for row in table:
        if table.get(row, "IsPersonAccount") is None:
            table.update(row, {"IsPersonAccount": False})
    org.schema_changed = org.clock.now()


def enable_currencies(org: Org, rates: Mapping[str, float], corporate: str) -> None:
    """Let records carry a currency; those that have none get the corporate one."""
    kind = org.declare("CurrencyType")
    kind.add(field for field in parse_fields(_CURRENCY_FIELDS) if kind.field(field.name) is None)
    codes = tuple(rates)
    for sobject in org.objects.values():
        if sobject.owned and sobject.field("CurrencyIsoCode") is None:
            _add_currency(org, sobject, codes, corporate)
    now, user = wire_time(org.clock.now()), org.integration_user
    stamps = {"CreatedById": user, "CreatedDate": now, "LastModifiedById": user, "LastModifiedDate": now,
              "SystemModstamp": now}  # fmt: skip
    for code, rate in rates.items():
        values = {"IsoCode": code, "ConversionRate": rate, "DecimalPlaces": 2, "IsActive": True,
                  "IsCorporate": code == corporate}  # fmt: skip
        org.keep_row("CurrencyType", values | stamps)
    org.corporate_currency = corporate
    org.schema_changed = org.clock.now()


def _add_currency(org: Org, sobject: SObject, codes: tuple[str, ...], corporate: str) -> None:
    field = Field("CurrencyIsoCode", "picklist", "Currency ISO Code", 3, restricted=True, defaulted=True, values=codes)
    sobject.add([field])
    table = org.tables[sobject.name]
    for row in table:
        table.update(row, {"CurrencyIsoCode": corporate})


def defaults(org: Org, sobject: SObject, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the features add to a new record."""
    found: dict[str, Any] = {}
    if org.corporate_currency is not None and sobject.field("CurrencyIsoCode") is not None:
        found["CurrencyIsoCode"] = org.corporate_currency
    if "IsPersonAccount" in sobject.fields and given.get("LastName") is not None:
        if given.get("Name") is not None:
            raise not_writable("Name")
        found["IsPersonAccount"] = True
    return found


def check(sobject: SObject, record: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """A person account is named by its parts, a business account by its name."""
    if sobject.name != "Account" or "IsPersonAccount" not in sobject.fields:
        return
    person = record.get("IsPersonAccount") is True
    wrong = [name for name in (("Name",) if person else _PARTS) if given.get(name) is not None]
    if wrong:
        raise not_writable(wrong[0])


def follow(org: Org, sobject: SObject, id_: str, values: Mapping[str, Any], actor: Actor) -> None:
    """Keep the contact behind a person account like the account."""
    if sobject.name != "Account" or "IsPersonAccount" not in sobject.fields:
        return
    row = org.tables["Account"].rows[id_]
    mirrored = {field: values[name] for name, field in _ON_CONTACT.items() if name in values}
    if not org.value("Account", row, "IsPersonAccount") or not mirrored:
        return
    if "FirstName" in mirrored or "LastName" in mirrored:
        mirrored["Name"] = org.value("Account", row, "Name")
    by = replace(actor, name="person account")
    contact = org.value("Account", row, "PersonContactId")
    if contact is not None:
        org.write_row("Contact", org.tables["Contact"].rows[contact], mirrored, by)
        return
    owner = org.value("Account", row, "OwnerId")
    made = org.insert_row("Contact", {"IsDeleted": False, "AccountId": id_, "OwnerId": owner, **mirrored}, by)
    org.write_row("Account", row, {"PersonContactId": made}, by)
