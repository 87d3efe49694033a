"""What administrators built into the org: validation rules, triggers, assignment and duplicate rules, locks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Record = Mapping[str, Any]
Key = tuple[str, str]

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "equals": lambda held, value: bool(held == value),
    "not_equals": lambda held, value: bool(held != value),
    "blank": lambda held, value: held is None or held == "",
    "not_blank": lambda held, value: held is not None and held != "",
    "less": lambda held, value: held is not None and held < value,
    "greater": lambda held, value: held is not None and held > value,
    "contains": lambda held, value: held is not None and str(value).lower() in str(held).lower(),
    "in": lambda held, value: held in value,
}
OPERATORS = (*_OPERATORS, "changed")


@dataclass(frozen=True, slots=True)
class Condition:
    """A predicate on one field; `changed` holds for a new value, a new record's included."""

    field: str
    operator: str
    value: Any = None

    def __post_init__(self) -> None:
        if self.operator not in OPERATORS:
            raise ValueError(f"unknown operator {self.operator!r}: one of {', '.join(OPERATORS)}")

    def holds(self, record: Record, before: Record | None) -> bool:
        """Whether a record, as it is about to be, meets the condition; `before` is None for a new one."""
        held = record.get(self.field)
        if self.operator == "changed":
            return held != (before or {}).get(self.field)
        return _OPERATORS[self.operator](held, self.value)


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """Refuses a record that meets the condition, in the administrator's own words."""

    name: str
    when: Condition
    message: str
    shown_at: str | None


@dataclass(frozen=True, slots=True)
class Trigger:
    """Code or a flow that runs with a write: sets fields, refuses, or touches the parent behind a reference."""

    name: str
    on: tuple[str, ...]
    before: bool
    values: Record
    throws: str | None
    bumps: str | None
    when: Condition | None

    def fires(self, operation: str, before: bool, record: Record, old: Record | None) -> bool:
        """Whether it runs now."""
        if operation not in self.on or self.before is not before:
            return False
        return self.when is None or self.when.holds(record, old)


@dataclass(frozen=True, slots=True)
class AssignmentRule:
    """Gives a record to a user when a client creates or updates it without Sforce-Auto-Assign: FALSE."""

    owner: str
    when: Condition | None


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """Records with equal values in all these fields are duplicates; text compares without case."""

    name: str
    fields: tuple[str, ...]
    blocks: bool
    message: str


@dataclass(frozen=True, slots=True)
class OwnerEffects:
    """What else moves when an account gets another owner."""

    drop_account_team: bool = False
    transfer_opportunities: bool = False
    transfer_tasks: bool = False

    def transferred(self) -> list[str]:
        """The objects whose open records go to the new owner."""
        wanted = {"Opportunity": self.transfer_opportunities, "Task": self.transfer_tasks}
        return [name for name, moves in wanted.items() if moves]


@dataclass(slots=True)
class Automation:
    """All of it, by object; an org starts with nothing."""

    validations: dict[str, list[ValidationRule]] = field(default_factory=dict)
    triggers: dict[str, list[Trigger]] = field(default_factory=dict)
    duplicates: dict[str, list[DuplicateRule]] = field(default_factory=dict)
    assignments: dict[str, AssignmentRule] = field(default_factory=dict)
    required: dict[str, set[str]] = field(default_factory=dict)
    cascades: dict[str, list[Key]] = field(default_factory=dict)
    cannot_own: set[Key] = field(default_factory=set)
    owner_effects: OwnerEffects = OwnerEffects()
    approval_locks: set[str] = field(default_factory=set)
    locks: dict[str, datetime] = field(default_factory=dict)
    parent_hold_seconds: float = 0.0
    holds: dict[str, tuple[datetime, str]] = field(default_factory=dict)

    def fired(self, name: str, operation: str, before: bool, record: Record, old: Record | None) -> list[Trigger]:
        """The triggers of an object that run now, in the order in which they were added."""
        return [one for one in self.triggers.get(name, ()) if one.fires(operation, before, record, old)]
