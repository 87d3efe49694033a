"""What HubSpot computes: from a deal's stage, from amounts and rates, from owners, and from associations."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from syncd.emulator.hubspot.authors import Author
from syncd.emulator.hubspot.types import ObjectType
from syncd.emulator.hubspot.values import as_text, wire_time

if TYPE_CHECKING:
    from syncd.emulator.hubspot.store import Portal

Values = dict[str, str | None]
Record = Mapping[str, Any]

# from, to: the property of `from` that counts them
COUNTED = {
    ("companies", "contacts"): "num_associated_contacts",
    ("companies", "deals"): "num_associated_deals",
    ("deals", "contacts"): "num_associated_contacts",
    ("contacts", "deals"): "num_associated_deals",
}


DERIVING = ("deals", "line_items")
"""The types of which some properties follow from others."""


def implied(portal: Portal, kind: ObjectType, record: Record) -> Values:
    """What follows from the other properties of one record."""
    if kind.name == "deals":
        return _of_stage(portal, record) | _of_amount(portal, record)
    return _of_line(record) if kind.name == "line_items" else {}


def _of_stage(portal: Portal, record: Record) -> Values:
    pipeline = portal.pipelines.get("deals", {}).get(record.get("pipeline") or "")
    stage = None if pipeline is None else pipeline.stages.get(record.get("dealstage") or "")
    if stage is None:
        return {}
    won = stage.closed and float(stage.probability or 0) == 1.0
    return {"hs_is_closed": as_text(stage.closed), "hs_is_closed_won": as_text(won),
            "hs_deal_stage_probability": stage.probability}  # fmt: skip


def _of_amount(portal: Portal, record: Record) -> Values:
    amount = record.get("amount")
    if amount is None and record.get("amount_in_home_currency") is None:
        return {}
    now = wire_time(portal.clock.now())
    return {"amount_in_home_currency": portal.currencies.in_home(amount, record.get("deal_currency_code"), now)}


def _of_line(record: Record) -> Values:
    try:
        price, quantity = Decimal(record["price"]), Decimal(record["quantity"])
        discount = Decimal(record.get("discount") or 0)
    except (KeyError, TypeError, InvalidOperation):
        return {}
    return {"amount": format(price * quantity - discount, "f")}


def stamps(portal: Portal, kind: ObjectType, values: Record, author: Author, at: str, new: bool) -> Values:
    """What HubSpot notes beside a write without calling it a change: who wrote, since when an owner has it."""
    noted: Values = {}
    if new:
        noted |= {"hs_object_source": author.source, "hs_object_source_id": author.source_id or None}
    if author.source == "CRM_UI" and author.id.isdigit():
        noted |= {"hs_updated_by_user_id": author.id} | ({"hs_created_by_user_id": author.id} if new else {})
    if "hubspot_owner_id" in values:
        owner = portal.owners.get(values["hubspot_owner_id"] or "")
        team = owner.teams[0].id if owner is not None and owner.teams else None
        noted |= {"hubspot_owner_assigneddate": None if owner is None else at, "hubspot_team_id": team}
    known = portal.properties[kind.name]
    return {name: value for name, value in noted.items() if name in known}


def count_again(portal: Portal, source: ObjectType, id_: str, target: ObjectType) -> None:
    """Bring a record's number of associated records up to date; that alone moves no stamp."""
    name = COUNTED.get((source.name, target.name))
    row = portal.tables[source.name].rows.get(id_)
    if name is not None and row is not None:
        portal.tables[source.name].update(row, {name: str(portal.links.count(source, id_, target))})


def count_all(portal: Portal) -> None:
    """The same for all records, once they are loaded."""
    for (source, target), name in COUNTED.items():
        kind, table = portal.types.all[source], portal.tables[source]
        for id_, number in portal.links.counts(kind, portal.types.all[target]).items():
            table.update(table.rows[id_], {name: str(number)})
