"""The god view of a portal's setup: owners, pipelines, properties, currencies, rules, workflows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

from syncd.emulator.errors import EmulatorRefusal
from syncd.emulator.hubspot.hands import Hands
from syncd.emulator.hubspot.money import positive
from syncd.emulator.hubspot.pipelines import Owner, Team
from syncd.emulator.hubspot.rules import Demand, Validation, WriteRule
from syncd.emulator.hubspot.values import parsed_time, wire_time
from syncd.emulator.hubspot.workflows import Workflow


class Setup(Hands):
    """What the admin of the account decides."""

    # --- owners

    def add_owner(
        self, email: str, first_name: str = "", last_name: str = "", teams: Iterable[str] = (), queue: bool = False
    ) -> str:  # fmt: skip
        """A user, or a queue, to whom records can be assigned; returns the owner's id."""
        with self._at_work() as portal:
            id_ = str(max((int(one) for one in portal.owners), default=500) + 1)
            now = wire_time(portal.clock.now())
            portal.owners[id_] = Owner(id_, email, first_name, last_name, "" if queue else str(9_000 + int(id_)),
                                       "QUEUE" if queue else "PERSON", False, now, now,
                                       tuple(self._team(name) for name in teams))  # fmt: skip
            return id_

    def set_owner_archived(self, id_: str, archived: bool = True) -> None:
        """Deactivate a user, or activate it again; the records keep it as their owner."""
        with self._at_work() as portal:
            if id_ not in portal.owners:
                raise EmulatorRefusal("OBJECT_NOT_FOUND", f"no owner {id_!r}")
            now = wire_time(portal.clock.now())
            portal.owners[id_] = replace(portal.owners[id_], archived=archived, updated=now)

    def _team(self, name: str) -> Team:
        known = {team.name: team for one in self._portal.owners.values() for team in one.teams}
        return known.get(name) or Team(str(40_000 + len(known) + 1), name)

    # --- pipelines

    def add_pipeline(self, name: str, label: str, stages: Iterable[Mapping[str, Any]], user: str | None = None) -> str:
        """A pipeline with its stages as the API writes them; returns its id."""
        with self._at_work() as portal:
            body = {"label": label, "stages": list(stages)}
            return portal.board.add(self._type(name), body, self._person(user)).id

    def remove_pipeline(self, name: str, pipeline: str, user: str | None = None) -> None:
        """Remove a pipeline; the records in it stay as they are."""
        with self._at_work() as portal:
            portal.board.remove(self._type(name), pipeline, self._person(user))

    def add_stage(
        self, name: str, pipeline: str, label: str, stage: str | None = None,
        metadata: Mapping[str, str] | None = None, user: str | None = None,
    ) -> str:  # fmt: skip
        """A stage; returns its id."""
        with self._at_work() as portal:
            body = {"label": label, "stageId": stage, "metadata": metadata or {}}
            return portal.board.add_stage(self._type(name), pipeline, body, self._person(user)).id

    def change_stage(
        self, name: str, pipeline: str, stage: str, label: str | None = None,
        metadata: Mapping[str, str] | None = None, user: str | None = None,
    ) -> None:  # fmt: skip
        """Rename a stage or change what it means; the records in it are computed again."""
        with self._at_work() as portal:
            body = {"metadata": metadata or {}} | ({"label": label} if label else {})
            portal.board.change_stage(self._type(name), pipeline, stage, body, self._person(user))

    def remove_stage(self, name: str, pipeline: str, stage: str, user: str | None = None) -> None:
        """Remove a stage that no record is in."""
        with self._at_work() as portal:
            portal.board.remove_stage(self._type(name), pipeline, stage, self._person(user))

    # --- properties

    def add_property(self, name: str, definition: Mapping[str, Any]) -> None:
        """Define a property, as the body of the API's request; group and way of entering may be left out."""
        with self._at_work() as portal:
            kind = self._type(name)
            usual = {"groupName": next(iter(portal.groups[kind.name])), "label": definition.get("name"),
                     "type": "string", "fieldType": "text"}  # fmt: skip
            portal.definitions.add(kind, [portal.definitions.made(kind, usual | dict(definition))])

    def change_property(self, name: str, field: str, changes: Mapping[str, Any]) -> None:
        """Change a definition, as the body of the API's request."""
        with self._at_work() as portal:
            portal.definitions.change(self._type(name), field, changes)

    def archive_property(self, name: str, field: str, archived: bool = True) -> None:
        """Archive a property of the account's own, or restore it; its values are kept."""
        with self._at_work() as portal:
            act = portal.definitions.archive if archived else portal.definitions.restore
            act(self._type(name), field)

    def set_slots(self, unique: int, custom: int) -> None:
        """How many properties with unique values, and of its own at all, the account may have for each type."""
        with self._at_work() as portal:
            portal.definitions.unique, portal.definitions.custom = unique, custom

    # --- the account

    def set_account(self, details: Mapping[str, Any]) -> None:
        """Change what account-info tells, such as `timeZone` or `accountType`; not the portal's id."""
        with self._at_work() as portal:
            wrong = [name for name in details if name not in portal.account or name == "portalId"]
            if wrong:
                raise EmulatorRefusal("VALIDATION_ERROR", f"cannot be set: {', '.join(wrong)}")
            portal.account.update(details)

    def set_rate(self, currency: str, rate: float | str, effective: str | None = None) -> None:
        """Enable a currency with its exchange rate; the deals in it are computed again and their stamps move."""
        with self._at_work() as portal:
            now = wire_time(portal.clock.now())
            portal.currencies.add(currency, positive(rate), parsed_time(effective) if effective else now, now)
            portal.derive_again(portal.types.all["deals"], "deal_currency_code", currency)

    # --- rules

    def add_write_rule(
        self, name: str, demand: str, properties: Iterable[str] = (), when: Mapping[str, Any] | None = None,
        to: str | None = None,
    ) -> None:  # fmt: skip
        """A rule that 2026-09 enforces on writes and older versions do not.

        `required_on_create` and `conditional_required` (with `when`: property → value or values) name `properties`;
        `association_permission` takes from people the right to associate the type, with `to` or with anything.
        """
        with self._at_work() as portal:
            kind = self._type(name)
            wanted = {field: (value,) if isinstance(value, str) else tuple(value)
                      for field, value in (when or {}).items()}  # fmt: skip
            other = self._type(to).name if to else None
            portal.rules.add(WriteRule(kind.name, cast(Demand, demand), tuple(properties), wanted, other))

    def validate_property(self, name: str, field: str, rule: str, arguments: Iterable[Any]) -> None:
        """A rule on the values of a property (MIN_LENGTH, REGEX, ...), which every version enforces."""
        with self._at_work() as portal:
            made = Validation(rule, tuple(map(str, arguments)))
            portal.rules.validate(self._type(name).name, portal.definitions.one(self._type(name), field).name, made)

    def clear_rules(self) -> None:
        """Take every rule away."""
        with self._at_work() as portal:
            portal.rules.clear()

    # --- workflows

    def add_workflow(
        self, name: str, values: Mapping[str, Any], watched: Iterable[str] = (),
        where: Mapping[str, str] | None = None, seconds: float = 0.0,
    ) -> int:  # fmt: skip
        """After an app wrote any of `watched` (none named: anything) on a record that has `where`, set `values`."""
        with self._at_work() as portal:
            kind = self._type(name)
            for field in (*values, *watched, *(where or {})):
                portal.definitions.one(kind, field)
            number = portal.workflows.next_number()
            made = Workflow(number, kind.name, dict(values), tuple(watched), dict(where or {}), seconds)
            portal.workflows.add(made)
            return number

    def clear_workflows(self) -> None:
        """Turn every workflow off."""
        with self._at_work() as portal:
            portal.workflows.clear()
