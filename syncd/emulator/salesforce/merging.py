"""What people do to whole records: merging duplicates and converting leads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from syncd.emulator.log import Actor
from syncd.emulator.salesforce.errors import RowError
from syncd.emulator.table import Row

if TYPE_CHECKING:
    from syncd.emulator.salesforce.store import Org

MERGEABLE = ("Account", "Contact", "Lead", "Case")
MOST_LOSERS = 2
CONVERTED = "Closed - Converted"


def merge(
    org: Org, name: str, winner: str, losers: Sequence[str], actor: Actor, values: Mapping[str, Any] | None = None
) -> None:
    """Merge up to two records into one: they are deleted, name it as master, and their children become its own."""
    if name not in MERGEABLE:
        raise RowError("INVALID_TYPE_FOR_OPERATION", f"{name} cannot be merged; only {', '.join(MERGEABLE)} can")
    if not 1 <= len(set(losers) - {winner}) == len(losers) <= MOST_LOSERS:
        raise RowError("INVALID_OPERATION", f"one or {MOST_LOSERS} other records can be merged into one")
    rows = [org.row(name, id_) for id_ in losers]
    with org.transaction():
        row = org.row(name, winner)
        if values:
            org.change(name, winner, values, actor)
        org.write_row(name, row, {}, actor)
        for loser in rows:
            _adopt_children(org, loser[0], row[0], actor)
            org.write_row(name, loser, {"IsDeleted": True, "MasterRecordId": row[0]}, actor)
            org.bin.put(name, loser[0])
            if org.masters_follow:
                _follow(org, name, loser[0], row[0], actor)


def _follow(org: Org, name: str, loser: str, winner: str, actor: Actor) -> None:
    """Let those that were merged into the loser before name the new winner as their master."""
    for earlier in org.tables[name].with_value("MasterRecordId", loser):
        org.system_write(name, earlier, {"MasterRecordId": winner}, replace(actor, name="merge"))


def _adopt_children(org: Org, loser: str, winner: str, actor: Actor) -> None:
    by = replace(actor, name="merge")
    for name, field, child in list(_referring(org, loser)):
        if not org.value(name, child, "IsDeleted"):
            org.system_write(name, child, {field: winner}, by)


def _referring(org: Org, id_: str) -> Iterator[tuple[str, str, Row]]:
    """Every reference to a record."""
    target = org.object_of_id(id_)
    for name, sobject in org.objects.items():
        table = org.tables[name]
        for field in sobject.fields.values():
            if target is not None and target.name in field.refers and field.name in table.slots:
                slot = table.slots[field.name]
                yield from ((name, field.name, row) for row in table if row[slot] == id_)


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of a lead."""

    account: str
    contact: str
    opportunity: str | None


def convert(org: Org, id_: str, account: str | None, opportunity: bool, actor: Actor) -> Conversion:
    """Turn a lead into an account (a new one, or the one given), a contact and an opportunity."""
    row = org.row("Lead", id_)
    lead = org.tables["Lead"].as_dict(row)
    if lead.get("IsConverted"):
        raise RowError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    with org.transaction():
        made = _make(org, lead, account, opportunity, actor)
        told = {
            "IsConverted": True, "ConvertedDate": org.clock.now().date().isoformat(), "Status": CONVERTED,
            "ConvertedAccountId": made.account, "ConvertedContactId": made.contact,
            "ConvertedOpportunityId": made.opportunity,
        }  # fmt: skip
        org.write_row("Lead", row, {name: value for name, value in told.items() if lead.get(name) != value}, actor)
    return made


def _make(org: Org, lead: Mapping[str, Any], account: str | None, opportunity: bool, actor: Actor) -> Conversion:
    owner = {"OwnerId": lead.get("OwnerId")}
    if account is None:
        address = {f"Billing{part}": lead.get(part) for part in ("Street", "City", "State", "PostalCode", "Country")}
        taken = {name: lead.get(name) for name in ("Phone", "Website", "Industry", "AnnualRevenue",
                                                   "NumberOfEmployees", "Rating")}  # fmt: skip
        account = _create(org, "Account", {"Name": lead.get("Company"), **taken, **address, **owner}, actor)
    else:
        account = org.row("Account", account)[0]
    person = {name: lead.get(name) for name in ("FirstName", "LastName", "Salutation", "Title", "Email", "MobilePhone",
                                                "Phone", "LeadSource")}  # fmt: skip
    contact = _create(org, "Contact", {**person, **owner, "AccountId": account}, actor)
    if not opportunity:
        return Conversion(account, contact, None)
    closes = _quarter_end(org.clock.now().date()).isoformat()
    deal = {"Name": f"{lead.get('Company')}-", "AccountId": account, "StageName": _first_stage(org), **owner,
            "CloseDate": closes, "LeadSource": lead.get("LeadSource")}  # fmt: skip
    return Conversion(account, contact, _create(org, "Opportunity", deal, actor))


def _create(org: Org, name: str, values: Mapping[str, Any], actor: Actor) -> str:
    return org.create(name, {field: value for field, value in values.items() if value is not None}, actor)


def _first_stage(org: Org) -> str:
    table = org.tables["OpportunityStage"]
    first = min(table, key=lambda row: table.get(row, "SortOrder") or 0)
    return str(table.get(first, "MasterLabel"))


def _quarter_end(day: date) -> date:
    month = (day.month - 1) // 3 * 3 + 4
    after = date(day.year + month // 13, (month - 1) % 12 + 1, 1)
    return after - timedelta(days=1)
