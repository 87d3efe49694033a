"""Provisioning a Salesforce org: each field as the integration user sees it, with the exact remedy; nothing is made."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.connectors.salesforce.provision import look
from syncd.model import FieldWanted, Fit, HeartbeatWanted, Part, StampType

from .worlds_salesforce import SalesforceWorld

STATUS = FieldWanted("Account", "S__c", StampType.PICKLIST, "syncd status", "State.", values=("pending", "ended"))
TEXT = FieldWanted("Account", "T__c", StampType.TEXT, "syncd number", "Number.", 40)
OWNER = FieldWanted("Account", "O__c", StampType.TEXT, "Owner", "Who.", can_make=False)
BEAT = HeartbeatWanted("Beat__c", "Seen__c", "a00000000000001AAA")
THERE = {"updateable": True, "fields": [{"name": "Seen__c", "type": "datetime", "updateable": True}]}
CHOICES = [{"value": v, "active": v != "ended"} for v in ("pending", "ended", "mine")]
RESTRICTED = {"type": "picklist", "restrictedPicklist": True, "picklistValues": CHOICES}


def about(wanted: FieldWanted, field: dict[str, Any] | None, **object_: Any) -> Part:
    """How one field is found in an object that is described like that."""
    fields = [] if field is None else [{"name": wanted.name, "updateable": True, **field}]
    told = {"Account": {"updateable": True, "fields": fields, **object_}, "Beat__c": THERE}
    parts = look([wanted], BEAT, told.get).parts
    return next(part for part in parts if part.object == "Account")


@pytest.mark.parametrize(
    ("wanted", "field", "fit", "words"),
    [
        (STATUS, {"type": "picklist", "restrictedPicklist": False}, Fit.FITS, "is there"),
        (STATUS, {"type": "string", "length": 40}, Fit.FITS, "is there"),
        (OWNER, {"type": "reference"}, Fit.FITS, "is there"),
        (STATUS, None, Fit.BY_HAND, "Picklist (restricted) with the values pending, ended, label 'syncd status'"),
        (TEXT, None, Fit.BY_HAND, "Text(40)"),
        (OWNER, None, Fit.BY_HAND, "Correct it in the mapping"),
        (STATUS, RESTRICTED, Fit.BY_HAND, "offer ended."),
        (TEXT, {"type": "string", "length": 40, "updateable": False}, Fit.BY_HAND, "Edit on the field"),
        (STATUS, {"type": "datetime"}, Fit.CONFLICT, "is of type datetime"),
        (TEXT, {"type": "string", "length": 20}, Fit.CONFLICT, "holds 20 characters, and 40 are needed"),
        (TEXT, {"type": "string", "length": 40, "calculated": True}, Fit.CONFLICT, "formula"),
        (TEXT, {"type": "string", "length": 40, "unique": True}, Fit.CONFLICT, "different on each record"),
        (TEXT, {"name": "t__C", "type": "string"}, Fit.CONFLICT, "written t__C in this org"),
    ],
)  # fmt: skip
def test_each_field_is_judged_with_its_remedy(wanted: FieldWanted, field: Any, fit: Fit, words: str) -> None:
    found = about(wanted, field)
    assert (found.fit, words in found.said) == (fit, True), found


def test_an_object_that_cannot_be_edited_is_told() -> None:
    assert "Edit on the object" in about(TEXT, {"type": "string", "length": 40}, updateable=False).said
    assert "Install syncd's package" in look([], HeartbeatWanted(), {}.get).parts[0].said


def test_an_org_is_asked_about_its_own_fields_and_not_changed(org: SalesforceWorld) -> None:
    wanted = [
        FieldWanted("Account", "AccountNumber", StampType.TEXT, "syncd number", "Number.", 40),
        FieldWanted("Account", "Phone", StampType.TEXT, "syncd reason", "Reason.", 40),
        FieldWanted("Account", "Syncd_Status__c", StampType.PICKLIST, "syncd status", "State.", values=("pending",)),
    ]
    found = org.connector().provision(wanted, HeartbeatWanted(), True)
    fits = {part.name: part.fit for part in found.parts if part.object == "Account"}
    assert fits == {"AccountNumber": Fit.FITS, "Phone": Fit.CONFLICT, "Syncd_Status__c": Fit.BY_HAND}
    assert any(part.object == "Syncd_Heartbeat__c" and part.fit is Fit.BY_HAND for part in found.parts)
    assert {r.method for r in org.emulator.requests[org.before :] if "/sobjects" in r.path} == {"GET"}
