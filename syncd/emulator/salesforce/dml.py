"""The way of a write through the org: checks, before-triggers, rules, saving, after-triggers, assignment rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from syncd.emulator.log import Actor
from syncd.emulator.salesforce import checks, derive, duplicates, features
from syncd.emulator.salesforce.automation import Trigger
from syncd.emulator.salesforce.errors import RowError
from syncd.emulator.salesforce.schema import SObject

if TYPE_CHECKING:
    from syncd.emulator.salesforce.store import Org

ASSIGNABLE = {"Account", "Case", "Lead"}
PARENTS = ("AccountId", "ParentId", "OpportunityId", "LeadId")


@dataclass(frozen=True, slots=True)
class Options:
    """What request headers say about a write."""

    auto_assign: bool = True
    allow_duplicates: bool = False
    include_details: bool = False
    version: str = "v68.0"


PLAIN = Options()


@dataclass(slots=True)
class Draft:
    """A record as it is about to be saved, and who set which of its fields."""

    sobject: SObject
    id: str | None
    before: Mapping[str, Any] | None
    record: dict[str, Any]
    authors: dict[str, str] = field(default_factory=dict)
    _touched: dict[str, None] = field(default_factory=dict)

    def changed(self) -> dict[str, Any]:
        """The fields whose value is a new one."""
        held, record = self.before or {}, self.record
        return {name: record[name] for name in self._touched if held.get(name) != record[name]}

    def set(self, values: Mapping[str, Any], author: str | None = None) -> None:
        """Give fields a value; without an author it is the client's own."""
        for name, value in values.items():
            if author is not None and self.record.get(name) != value:
                self.authors[name] = author
            self.record[name] = value
            self._touched[name] = None


def create(org: Org, name: str, values: Mapping[str, Any], actor: Actor, options: Options = PLAIN) -> str:
    """Insert a record; returns its id. Raises RowError, and then nothing is written."""
    sobject = org.objects[name]
    given = checks.given(org, sobject, values, inserting=True, actor=actor)
    draft = Draft(sobject, None, None, {})
    draft.set(checks.defaults(sobject, actor) | features.defaults(org, sobject, given))
    draft.set({key: value for key, value in given.items() if value is not None})
    with org.transaction():
        _before(org, draft, "insert")
        checks.required(sobject, draft.record)
        checks.unique(org, sobject, draft.record, None)
        _rules(org, draft, options, actor)
        draft.id = org.insert_row(name, draft.changed(), actor, draft.authors)
        features.follow(org, sobject, draft.id, draft.changed(), actor)
        _after(org, draft, "insert", actor, options)
    return draft.id


def change(org: Org, name: str, id_: str, values: Mapping[str, Any], actor: Actor, options: Options = PLAIN) -> None:
    """Update a record; raises RowError, and then nothing is written."""
    sobject, row = org.objects[name], org.row(name, id_)
    given = checks.given(org, sobject, values, inserting=False, actor=actor)
    before = org.tables[name].as_dict(row)
    _editable(sobject, before, given)
    checks.owner(org, sobject, given, before.get("OwnerId"))
    draft = Draft(sobject, row[0], before, dict(before))
    draft.set(given)
    asked = draft.changed()
    with org.transaction():
        _before(org, draft, "update")
        checks.unique(org, sobject, draft.changed(), row[0])
        _rules(org, draft, options, actor)
        effective = draft.changed()
        if not asked:
            org.journal.unchanged(org.clock.now(), ("salesforce", name, row[0]), actor)
        if asked or effective or org.saving_stamps:
            org.write_row(name, row, effective, actor, draft.authors)
        features.follow(org, sobject, row[0], effective, actor)
        _after(org, draft, "update", actor, options)


def remove(org: Org, name: str, id_: str, actor: Actor) -> None:
    """Put a record into the recycle bin, with what is deleted along with it; raises RowError."""
    sobject, row = org.objects[name], org.row(name, id_)
    if "IsDeleted" not in sobject.fields:
        raise RowError("INSUFFICIENT_ACCESS_OR_READONLY", f"cannot delete {name}", status=403)
    record = org.tables[name].as_dict(row)
    _unlocked(org, sobject, record, actor)
    for before in (True, False):
        for trigger in org.automation.fired(name, "delete", before, record, record):
            _throw(trigger, "Delete")
    with org.transaction():
        for child, reference in org.automation.cascades.get(name, ()):
            for id_below in list(org.ids_with(child, reference, row[0])):
                remove(org, child, id_below, actor)
                org.bin.tie(id_below, row[0])
        org.write_row(name, row, {"IsDeleted": True}, actor)
        org.bin.put(name, row[0])


# --- before saving


def _editable(sobject: SObject, record: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    if sobject.name == "Lead" and record.get("IsConverted"):
        raise RowError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    features.check(sobject, record, given)


def _before(org: Org, draft: Draft, operation: str) -> None:
    for trigger in org.automation.fired(draft.sobject.name, operation, True, draft.record, draft.before):
        _throw(trigger, f"Before{operation.capitalize()}")
        draft.set(trigger.values, f"trigger:{trigger.name}")
    draft.set(derive.fields(org, draft.sobject, draft.record, set(draft.changed())))


def _throw(trigger: Trigger, event: str) -> None:
    if trigger.throws is not None:
        message = (
            f"{trigger.name}: execution of {event}\n\ncaused by: System.{trigger.throws}\n\n"
            f"Trigger.{trigger.name}: line 1, column 1"
        )
        raise RowError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message)


def _rules(org: Org, draft: Draft, options: Options, actor: Actor) -> None:
    sobject, automation = draft.sobject, org.automation
    _unlocked(org, sobject, draft.record, actor)
    blank = [name for name in automation.required.get(sobject.name, ()) if draft.record.get(name) is None]
    if blank:
        raise RowError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(blank)}]", blank)
    for rule in automation.validations.get(sobject.name, ()):
        if rule.when.holds(draft.record, draft.before):
            shown = [] if rule.shown_at is None else [rule.shown_at]
            raise RowError("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, shown)
    changed = set(draft.changed())
    duplicates.check(org, sobject, draft.record, changed, draft.id, options)


def _unlocked(org: Org, sobject: SObject, record: Mapping[str, Any], actor: Actor) -> None:
    own = record.get("Id")
    if own in org.automation.approval_locks:
        raise RowError("ENTITY_IS_LOCKED", "the entity is locked for editing")
    if not org.automation.locks and not org.automation.holds:
        return
    for id_ in [own, *(record.get(name) for name in _references(sobject))]:
        if id_ is not None and _held(org, id_, actor):
            message = f"unable to obtain exclusive access to this record or 1 records: {id_}"
            raise RowError("UNABLE_TO_LOCK_ROW", message)


def _references(sobject: SObject) -> Iterable[str]:
    return (one.name for one in sobject.fields.values() if one.type == "reference" and "User" not in one.refers)


def _held(org: Org, id_: str, actor: Actor) -> bool:
    now = org.clock.now()
    until = org.automation.locks.get(id_)
    if until is not None and now < until:
        return True
    hold = org.automation.holds.get(id_)
    return hold is not None and actor.is_api and now < hold[0] and hold[1] != actor.request


# --- after saving


def _after(org: Org, draft: Draft, operation: str, actor: Actor, options: Options) -> None:
    name, id_ = draft.sobject.name, draft.id or ""
    for trigger in org.automation.fired(name, operation, False, draft.record, draft.before):
        _throw(trigger, f"After{operation.capitalize()}")
        by = replace(actor, name=f"trigger:{trigger.name}")
        _write_over(org, name, id_, trigger.values, by)
        if trigger.bumps is not None:
            _bump(org, draft.record.get(trigger.bumps), by)
    if options.auto_assign and actor.is_api:
        _assign(org, draft, actor)
    if name == "Account" and operation == "update":
        _owner_changed(org, draft, actor)
    _hold_parents(org, draft, actor)


def _write_over(org: Org, name: str, id_: str, values: Mapping[str, Any], by: Actor) -> None:
    table = org.tables[name]
    row = table.rows[id_]
    new = {field: value for field, value in values.items() if table.get(row, field) != value}
    if new:
        org.write_row(name, row, new, by)


def _bump(org: Org, parent: str | None, by: Actor) -> None:
    sobject = org.object_of_id(parent) if parent else None
    row = None if sobject is None or parent is None else org.tables[sobject.name].rows.get(parent)
    if sobject is not None and row is not None:
        org.write_row(sobject.name, row, {}, by)


def _assign(org: Org, draft: Draft, actor: Actor) -> None:
    name = draft.sobject.name
    rule = org.automation.assignments.get(name)
    if rule is None or (rule.when is not None and not rule.when.holds(draft.record, draft.before)):
        return
    _write_over(org, name, draft.id or "", {"OwnerId": rule.owner}, replace(actor, name=f"assignment:{name}"))


def _owner_changed(org: Org, draft: Draft, actor: Actor) -> None:
    effects, id_, was = org.automation.owner_effects, draft.id or "", (draft.before or {}).get("OwnerId")
    owner = org.value("Account", org.tables["Account"].rows[id_], "OwnerId")
    if owner == was:
        return
    by = replace(actor, name="owner change")
    if effects.drop_account_team and "AccountTeamMember" in org.tables:
        for member in list(org.ids_with("AccountTeamMember", "AccountId", id_)):
            org.erase_row("AccountTeamMember", member, by)
    for child in effects.transferred():
        if child in org.tables:
            _hand_over(org, child, list(org.ids_with(child, "AccountId", id_)), was, owner, by)


def _hand_over(org: Org, name: str, ids: Iterable[str], was: str | None, owner: str, by: Actor) -> None:
    for id_ in ids:
        row = org.tables[name].rows[id_]
        if org.value(name, row, "OwnerId") == was and not org.value(name, row, "IsClosed"):
            org.write_row(name, row, {"OwnerId": owner}, by)


def _hold_parents(org: Org, draft: Draft, actor: Actor) -> None:
    seconds = org.automation.parent_hold_seconds
    if not seconds or actor.request is None:
        return
    until = org.clock.now() + timedelta(seconds=seconds)
    for name in PARENTS:
        parent = draft.record.get(name)
        if isinstance(parent, str):
            org.automation.holds[parent] = (until, actor.request)
