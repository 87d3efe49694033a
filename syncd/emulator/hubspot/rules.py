"""Rules that an admin lays on records: what a property may hold, and what a write of 2026-09 must bring along."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, get_args

from syncd.emulator.errors import EmulatorRefusal
from syncd.emulator.hubspot.authors import Author
from syncd.emulator.hubspot.errors import Forbidden, Invalid, RuleBroken, problem
from syncd.emulator.hubspot.types import ObjectType
from syncd.emulator.variants import Variants

Demand = Literal["required_on_create", "conditional_required", "association_permission"]
STRICT = "2026-09"
Values = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class WriteRule:
    """One rule on writes: `properties` are required, `when` any property holds one of the values given for it."""

    kind: str
    demand: Demand
    properties: tuple[str, ...] = ()
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    to: str | None = None

    def holds_for(self, values: Values) -> bool:
        """Whether the condition is met by these values."""
        return all(values.get(name) in wanted for name, wanted in self.when.items())

    def listed(self) -> dict[str, Any]:
        """As property-validations shows it."""
        conditions = [f"{name}={'|'.join(values)}" for name, values in self.when.items()]
        return {"ruleType": "CONDITIONAL_REQUIRED" if self.when else "REQUIRED_ON_CREATE", "ruleArguments": conditions,
                "shouldApplyNormalization": False}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Validation:
    """One documented rule on the values of a property."""

    type: str
    arguments: tuple[str, ...]
    normalize: bool = False

    def __post_init__(self) -> None:
        if self.type not in _TESTS:
            raise EmulatorRefusal("VALIDATION_ERROR", f"rule type {self.type!r} is not one of {', '.join(_TESTS)}")

    def complaint(self, text: str) -> tuple[str, str] | None:
        """Code and sentence if a value breaks the rule."""
        test, code, sentence = _TESTS[self.type]
        return None if test(text, self.arguments) else (code, sentence.format(*self.arguments))

    def listed(self) -> dict[str, Any]:
        """As property-validations shows it."""
        return {"ruleType": self.type, "ruleArguments": list(self.arguments),
                "shouldApplyNormalization": self.normalize}  # fmt: skip


def _letters(text: str, arguments: tuple[str, ...]) -> bool:
    kind = arguments[0] if arguments else "ALPHANUMERIC"
    bare = text.replace(" ", "")
    return {"ALPHA": bare.isalpha(), "NUMERIC": bare.isdigit()}.get(kind, bare.isalnum())


# type: (test of a text, error code, sentence)
_TESTS: dict[str, tuple[Any, str, str]] = {
    "MIN_LENGTH": (lambda text, given: len(text) >= int(given[0]), "INVALID_LENGTH", "Enter at least {0} characters"),
    "MAX_LENGTH": (lambda text, given: len(text) <= int(given[0]), "INVALID_LENGTH", "Enter at most {0} characters"),
    "MIN_NUMBER": (lambda text, given: Decimal(text) >= Decimal(given[0]), "INVALID_NUMBER", "Enter at least {0}"),
    "MAX_NUMBER": (lambda text, given: Decimal(text) <= Decimal(given[0]), "INVALID_NUMBER", "Enter at most {0}"),
    "REGEX": (lambda text, given: re.fullmatch(given[0], text), "INVALID_REGEX", "Enter a value like {0}"),
    "ALPHANUMERIC": (_letters, "INVALID_ALPHA", "Enter only letters or digits"),
}


class Rules:
    """The rules of one account."""

    def __init__(self) -> None:
        self._writes: list[WriteRule] = []
        self._values: dict[tuple[str, str], dict[str, Validation]] = {}

    def add(self, rule: WriteRule) -> None:
        """Enforce a rule on writes of 2026-09."""
        if rule.demand not in get_args(Demand):
            raise EmulatorRefusal("VALIDATION_ERROR", f"a rule is one of {', '.join(get_args(Demand))}")
        self._writes.append(rule)

    def clear(self) -> None:
        """Forget every rule on writes and values."""
        self._writes.clear()
        self._values.clear()

    def validate(self, kind: str, name: str, validation: Validation) -> None:
        """Enforce a rule on the values of a property, in every version."""
        self._values.setdefault((kind, name), {})[validation.type] = validation

    # --- reading

    def of_property(self, kind: str, name: str, variants: Variants) -> list[dict[str, Any]]:
        """The rules on one property as property-validations shows them."""
        found = [one.listed() for one in self._values.get((kind, name), {}).values()]
        if variants.hubspot_required_rules == "listed":
            found += [one.listed() for one in self._writes if one.kind == kind and name in one.properties]
        return found

    def properties(self, kind: str) -> list[str]:
        """The properties of a type that any rule is about."""
        named = [name for own, name in self._values if own == kind]
        named += [name for one in self._writes if one.kind == kind for name in one.properties]
        return sorted(set(named))

    # --- enforcing

    def complaints(self, kind: str, name: str, text: str) -> Iterator[dict[str, object]]:
        """What is wrong with a value, in the vendor's shape."""
        for one in self._values.get((kind, name), {}).values():
            if (complaint := one.complaint(text)) is not None:
                yield problem(name, *complaint)

    def apply_to(self, author: Author) -> bool:
        """Whether there are rules on writes and this writer must keep them: only 2026-09 enforces them."""
        return bool(self._writes) and author.version == STRICT

    def check_write(self, kind: ObjectType, given: Values, before: Values | None, variants: Variants) -> None:
        """Raises RuleBroken if a write leaves something out; `before` is None for a new record."""
        after = {**(before or {}), **given}
        missing: dict[str, None] = {}
        for rule in self._writes:
            if rule.kind == kind.name and self._asks(rule, given, after, before is None, variants):
                missing |= dict.fromkeys(name for name in rule.properties if not after.get(name))
        if missing:
            raise broken(list(missing), variants)

    def _asks(self, rule: WriteRule, given: Values, after: Values, new: bool, variants: Variants) -> bool:
        if rule.demand == "required_on_create":
            return new
        touched = variants.hubspot_rule_scope == "record" or new or any(name in given for name in rule.when)
        return rule.demand == "conditional_required" and touched and rule.holds_for(after)

    def check_link(self, source: ObjectType, target: ObjectType, author: Author) -> None:
        """Raises Forbidden if the person of a token may not edit such associations through 2026-09."""
        if not self.apply_to(author) or not author.user_level:
            return
        pairs = ({source.name, target.name}, {source.name, None}, {target.name, None})
        if any(one.demand == "association_permission" and {one.kind, one.to} in pairs for one in self._writes):
            message = f"User does not have permission to edit associations between {source.name} and {target.name}"
            raise Forbidden(message)


def broken(names: Iterable[str], variants: Variants) -> RuleBroken:
    """What a write that leaves out required properties is told; the vendor does not publish the item's text."""
    names = list(names)
    if variants.hubspot_rule_error == "embedded":
        listed = [problem(name, "REQUIRED_PROPERTY", f"{name} is required") for name in names]
        return RuleBroken(Invalid(listed).message)
    errors = [{"message": f"Property {name} is required by a rule of this account", "code": "REQUIRED_PROPERTY_MISSING",
               "context": {"propertyName": [name]}} for name in names]  # fmt: skip
    return RuleBroken("Required properties are missing", errors=errors)
