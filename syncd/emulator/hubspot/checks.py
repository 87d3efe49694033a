"""Whether the portal takes the values that somebody writes to a record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from syncd.emulator.hubspot.errors import Conflict, Invalid, problem
from syncd.emulator.hubspot.pipelines import pipeline_properties
from syncd.emulator.hubspot.schema import Property
from syncd.emulator.hubspot.types import ObjectType
from syncd.emulator.hubspot.values import Wrong, accepted, as_text, problem_of
from syncd.emulator.table import Row

if TYPE_CHECKING:
    from syncd.emulator.hubspot.store import Portal

Values = dict[str, str | None]
Problems = list[Mapping[str, object]]
CURRENCY_CODES = ("deal_currency_code", "hs_currency_code", "hs_line_item_currency_code")


def checked(portal: Portal, kind: ObjectType, given: Mapping[str, Any], current: Row | None) -> Values:
    """The texts to store; raises Invalid with every problem found."""
    problems: Problems = []
    values: Values = {}
    for name, raw in given.items():
        prop = portal.properties[kind.name].get(name)
        if prop is None or prop.archived:
            problems.append(problem(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'))
        elif prop.read_only:
            problems.append(
                problem(name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')
            )
        else:
            before = None if current is None else portal.get(kind, current, name)
            _take(portal, kind, prop, _whole(prop, as_text(raw), before), values, problems)
    problems += _stage_problems(portal, kind, values, current)
    if problems:
        raise Invalid(problems)
    return values


def _whole(prop: Property, text: str | None, before: str | None) -> str | None:
    """A value of checkboxes that begins with a semicolon adds to those that are ticked."""
    if text is None or prop.field_type != "checkbox" or not text.startswith(";"):
        return text
    ticked = [part for part in (before or "").split(";") if part]
    return ";".join(dict.fromkeys([*ticked, *(part for part in text.split(";") if part)]))


def _take(
    portal: Portal, kind: ObjectType, prop: Property, text: str | None, values: Values, problems: Problems
) -> None:
    if text is None:
        values[prop.name] = None
        return
    try:
        values[prop.name] = accepted(prop, text)
    except Wrong as wrong:
        problems.append(problem_of(prop, wrong))
        return
    problems += portal.rules.complaints(kind.name, prop.name, values[prop.name] or "")
    problems += _reference_problems(portal, prop, text)


def _reference_problems(portal: Portal, prop: Property, text: str) -> Iterator[Mapping[str, object]]:
    if prop.references == "OWNER":
        owner = portal.owners.get(text)
        if owner is None or owner.archived:
            yield problem(prop.name, "INVALID_OWNER_ID", f"The owner {text} does not exist or is deactivated.")
    if prop.name in CURRENCY_CODES and text not in portal.currencies.codes:
        sentence = f'"{text}" is not a part of the current effective currency codes for portal {portal.id}'
        yield problem(prop.name, "INVALID_OPTION", sentence)


def _stage_problems(
    portal: Portal, kind: ObjectType, values: Values, current: Row | None
) -> Iterator[Mapping[str, object]]:
    known = portal.pipelines.get(kind.name)
    pipeline_name, stage_name = pipeline_properties(kind.name)
    touched = [name for name in (pipeline_name, stage_name) if values.get(name) is not None]
    if not known or not touched:
        return
    old = {name: None if current is None else portal.get(kind, current, name) for name in (pipeline_name, stage_name)}
    pipeline = values.get(pipeline_name) or old[pipeline_name] or next(iter(known))
    stage = values.get(stage_name) or old[stage_name]
    if pipeline not in known:
        message = f"{pipeline} was not one of the allowed options: [{', '.join(known)}]"
        yield problem(pipeline_name, "INVALID_OPTION", message)
    elif stage is not None and stage not in known[pipeline].stages:
        message = f"{stage} was not one of the allowed options: [{', '.join(known[pipeline].stages)}]"
        yield problem(stage_name, "INVALID_OPTION", message)


def check_unique(portal: Portal, kind: ObjectType, values: Values, own_id: str | None) -> None:
    """Raises Conflict if another record holds one of the unique values."""
    for name, value in values.items():
        if value is None or not portal.properties[kind.name][name].unique:
            continue
        for row in portal.tables[kind.name].with_value(name, value):
            if row[0] != own_id and not portal.is_archived(kind, row):
                raise Conflict(kind.singular, row[0])
