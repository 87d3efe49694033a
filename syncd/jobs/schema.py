"""Schema drift: what an admin changed about fields since the last check, from the facts that both checks found.

Facts may hold `schema`: object -> field -> {"type": ..., "values": [...]}, and `choices`: `object.field` -> values.
They hold `missing`: `object.field` of every mapped field that is not there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from syncd.model import Checked, MissingField

_MOST_VALUES = 5


def facts_of(checked: Checked) -> dict[str, Any]:
    """The facts of a check with the fields that it missed."""
    missing = {f"{problem.object}.{problem.field}" for problem in checked.problems if isinstance(problem, MissingField)}
    return {**checked.facts, "missing": sorted(missing)}


def drift_of(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Pure: what has changed, a sentence each; nothing when there was no check before."""
    if not before:
        return []
    return [*_missing(before, after), *_changed(_fields(before), _fields(after))]


def _missing(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    if "missing" not in before:
        return
    known = set(before["missing"])
    now = set(after.get("missing") or ())
    for name in sorted(now - known):
        yield f"{name} has vanished since the last check."
    for name in sorted(known - now):
        yield f"{name} is there again."


def _fields(facts: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What is known of each field, by `object.field`."""
    known = {
        f"{o}.{name}": about for o, fields in (facts.get("schema") or {}).items() for name, about in fields.items()
    }
    choices = {name: {"values": values} for name, values in (facts.get("choices") or {}).items()}
    return {name: {**choices.get(name, {}), **known.get(name, {})} for name in choices.keys() | known.keys()}


def _changed(before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, about in sorted(after.items()):
        if name in before:
            yield from _of_field(name, before[name], about)


def _of_field(name: str, was: Mapping[str, Any], about: Mapping[str, Any]) -> Iterator[str]:
    if was.get("type") != about.get("type"):
        yield f"{name} was of type {was.get('type')} and is now {about.get('type')}."
    values, more = was.get("values"), about.get("values")
    if values is None or more is None:
        return
    if fresh := [value for value in more if value not in values]:
        yield f"{name} has new values: {_listed(fresh)}. Map them, or what has them is read without."
    if gone := [value for value in values if value not in more]:
        yield f"{name} has lost values: {_listed(gone)}."


def _listed(values: list[Any]) -> str:
    shown = ", ".join(map(str, values[:_MOST_VALUES]))
    return shown if len(values) <= _MOST_VALUES else f"{shown} and {len(values) - _MOST_VALUES} more"
