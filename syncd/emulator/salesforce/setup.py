"""The god view's part for administrators: rules, triggers, locks and features of the org, its app and its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from threading import RLock
from typing import Any

from syncd.emulator.errors import EmulatorRefusal
from syncd.emulator.salesforce import features
from syncd.emulator.salesforce.automation import (
    AssignmentRule,
    Automation,
    Condition,
    DuplicateRule,
    OwnerEffects,
    Trigger,
    ValidationRule,
)
from syncd.emulator.salesforce.dml import ASSIGNABLE
from syncd.emulator.salesforce.errors import RowError
from syncd.emulator.salesforce.people import Naming
from syncd.emulator.salesforce.sessions import Tokens
from syncd.emulator.salesforce.store import BulkPace, Org
from syncd.emulator.salesforce.usage import API
from syncd.emulator.salesforce.values import checked

_EVENTS = ("insert", "update", "delete")


class Rules(Naming):
    """What an administrator builds into the org. Conditions are (field, operator, value); see automation.OPERATORS."""

    def add_validation_rule(
        self, object: str, name: str, field: str, operator: str, value: Any = None, message: str = "not allowed",
        shown_at: str | None = None,
    ) -> None:  # fmt: skip
        """Refuse records that meet the condition; `shown_at` is the field that the error names."""
        with self._lock:
            when = self._condition(object, field, operator, value)
            rule = ValidationRule(name, when, message, shown_at)
            self._org.automation.validations.setdefault(self._object(object).name, []).append(rule)

    def add_trigger(
        self, object: str, name: str, values: Mapping[str, Any] | None = None, throws: str | None = None,
        bumps: str | None = None, before: bool = False, on: Sequence[str] = ("insert", "update"),
        field: str | None = None, operator: str = "changed", value: Any = None,
    ) -> None:  # fmt: skip
        """Run with each write: give fields values, throw an exception, or bump the record behind a reference.

        It acts as the user who wrote; the change log names it as `trigger:<name>`.
        """
        with self._lock:
            if wrong := set(on) - set(_EVENTS):
                raise EmulatorRefusal("INVALID_EVENT", f"{', '.join(sorted(wrong))}: one of {', '.join(_EVENTS)}")
            when = None if field is None else self._condition(object, field, operator, value)
            reference = None if bumps is None else self._field(object, bumps).name
            trigger = Trigger(name, tuple(on), before, self._values(object, values or {}), throws, reference, when)
            self._org.automation.triggers.setdefault(self._object(object).name, []).append(trigger)

    def set_assignment_rule(
        self, object: str, owner: str, field: str | None = None, operator: str = "changed", value: Any = None
    ) -> None:
        """Give records of Account, Case or Lead to a user when a client writes without Sforce-Auto-Assign: FALSE."""
        with self._lock:
            sobject = self._object(object)
            if sobject.name not in ASSIGNABLE:
                raise EmulatorRefusal("INVALID_TYPE", f"{object} has no assignment rules")
            when = None if field is None else self._condition(object, field, operator, value)
            self._org.automation.assignments[sobject.name] = AssignmentRule(self._org.person(owner).id, when)

    def add_duplicate_rule(
        self, object: str, name: str, fields: Sequence[str], blocks: bool = False,
        message: str = "Use one of these records?",
    ) -> None:  # fmt: skip
        """Find records with equal values in all the fields: an alert, which may be saved over, or a block."""
        with self._lock:
            names = tuple(self._field(object, one).name for one in fields)
            if not names:
                raise EmulatorRefusal("INVALID_FIELD", "at least one field is needed")
            rule = DuplicateRule(name, names, blocks, message)
            self._org.automation.duplicates.setdefault(self._object(object).name, []).append(rule)

    def remove_rules(self) -> None:
        """Take out all rules, triggers and locks."""
        with self._lock:
            self._org.automation = Automation()

    def require_field(self, object: str, field: str) -> None:
        """Make a field required, also for records that have no value in it and are edited."""
        with self._lock:
            found = self._field(object, field)
            found.required = True
            self._org.automation.required.setdefault(self._object(object).name, set()).add(found.name)
            self._org.schema_changed = self._org.clock.now()

    def set_picklist(self, object: str, field: str, values: Sequence[str], restricted: bool = True) -> None:
        """Replace the values of a picklist; records keep what they hold."""
        with self._lock:
            found = self._field(object, field)
            if found.type not in ("picklist", "multipicklist"):
                raise EmulatorRefusal("INVALID_FIELD", f"{object}.{field} is a {found.type}, not a picklist")
            found.values, found.restricted = tuple(values), restricted
            self._org.schema_changed = self._org.clock.now()

    def add_cascade(self, object: str, reference: str) -> None:
        """Delete records of the object along with the record that their reference points to."""
        with self._lock:
            found = self._field(object, reference)
            for parent in found.refers:
                self._org.automation.cascades.setdefault(parent, []).append((self._object(object).name, found.name))

    def forbid_ownership(self, object: str, user: str) -> None:
        """Take from a user the right to read the object, so that records cannot be given to that user."""
        with self._lock:
            self._org.automation.cannot_own.add((self._org.person(user).id, self._object(object).name))

    def set_owner_change_effects(
        self, drop_account_team: bool = False, transfer_opportunities: bool = False, transfer_tasks: bool = False
    ) -> None:
        """What moves along when an account gets another owner."""
        with self._lock:
            effects = OwnerEffects(drop_account_team, transfer_opportunities, transfer_tasks)
            self._org.automation.owner_effects = effects

    def enable_person_accounts(self) -> None:
        """Switch person accounts on; an account that is created with a LastName is one."""
        with self._lock:
            features.enable_person_accounts(self._org)

    def enable_currencies(self, rates: Mapping[str, float], corporate: str) -> None:
        """Switch several currencies on: code to rate, and which is the corporate one."""
        with self._lock:
            if corporate not in rates:
                raise EmulatorRefusal("INVALID_CURRENCY", f"{corporate} is none of {', '.join(rates)}")
            features.enable_currencies(self._org, rates, corporate)

    # --- locks

    def lock(self, object: str, id: str, seconds: float) -> None:
        """Let another process hold a record: writes to it, and to records below it, get UNABLE_TO_LOCK_ROW."""
        with self._lock:
            until = self._org.clock.now() + timedelta(seconds=seconds)
            self._org.automation.locks[self._id(object, id)] = until

    def hold_parents(self, seconds: float) -> None:
        """Let each request hold the accounts of what it writes so long against other requests; 0 ends it."""
        with self._lock:
            self._org.automation.parent_hold_seconds = seconds
            self._org.automation.holds.clear()

    def lock_for_approval(self, object: str, id: str) -> None:
        """Submit a record for approval: writes get ENTITY_IS_LOCKED until `unlock`."""
        with self._lock:
            self._org.automation.approval_locks.add(self._id(object, id))

    def unlock(self, object: str, id: str) -> None:
        """End the locks of a record."""
        with self._lock:
            key = self._id(object, id)
            self._org.automation.approval_locks.discard(key)
            self._org.automation.locks.pop(key, None)

    # --- values

    def _values(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        return {self._field(name, field).name: self._value(name, field, value) for field, value in values.items()}

    def _value(self, name: str, field: str, value: Any) -> Any:
        try:
            return checked(self._field(name, field), value)
        except RowError as error:
            raise EmulatorRefusal(error.code, error.message) from error

    def _condition(self, name: str, field: str, operator: str, value: Any) -> Condition:
        found = self._field(name, field)
        if operator == "in":
            value = [self._value(name, field, one) for one in value]
        elif operator in ("equals", "not_equals", "less", "greater") and value is not None:
            value = self._value(name, field, value)
        return Condition(found.name, operator, value)


class Access:
    """The connected app, its sessions, and the limits of the org."""

    _org: Org
    _lock: RLock
    _tokens: Tokens

    def set_session_timeout(self, minutes: float) -> None:
        """End sessions that are idle so long: 15 minutes to 24 hours. Also the session open from the start."""
        with self._lock:
            self._tokens.limit_sessions(timedelta(minutes=minutes))

    def expire_tokens(self) -> None:
        """End every session now; refresh tokens stay valid."""
        with self._lock:
            self._tokens.expire_all()

    def set_refresh_rotation(self, on: bool) -> None:
        """Whether each use of a refresh token replaces it."""
        with self._lock:
            self._tokens.rotation = on

    def allow_rest(self, on: bool) -> None:
        """Whether sessions are valid for the REST API; if not, refreshing them does not help."""
        with self._lock:
            self._tokens.rest_allowed = on

    def register_certificate(self, pem: str) -> None:
        """Upload the app's certificate (or its public key), against which JWT assertions are verified."""
        from syncd.emulator.salesforce.assertion import public_key  # slow to load, seldom needed

        key = public_key(pem)
        with self._lock:
            self._tokens.certificates = [key]

    def create_certificate(self) -> str:
        """Make a key pair, register its public half, and return the private key in PEM."""
        from syncd.emulator.salesforce.assertion import key_pair  # slow to load, seldom needed

        pem, key = key_pair()
        with self._lock:
            self._tokens.certificates = [key]
        return pem

    def approve_user(self, user: str) -> None:
        """Pre-authorise a user for the app, so that the JWT bearer flow may act for that user."""
        with self._lock:
            self._tokens.approved.add(self._org.person(user).id)

    def set_run_as(self, user: str) -> None:
        """The user as whom the client credentials flow acts."""
        with self._lock:
            self._tokens.run_as = self._org.person(user).id

    def sign_in(self, user: str) -> str:
        """Open a session as a user; returns the access token."""
        with self._lock:
            return self._tokens.issue(self._org.person(user).id)

    def authorize_app(self, user: str) -> str:
        """Let a user grant the app offline access; returns the refresh token."""
        with self._lock:
            return self._tokens.issue_refresh(self._org.person(user).id)

    def set_daily_limit(self, calls: int) -> None:
        """How many API calls the org may make in 24 hours."""
        with self._lock:
            self._org.usage.limits[API] = calls

    def burn_quota(self, calls: int) -> None:
        """Let other integrations make so many API calls now."""
        with self._lock:
            self._org.usage.count(API, calls)

    def calls_used(self) -> int:
        """The API calls of the last 24 hours, exactly."""
        with self._lock:
            return self._org.usage.used(API)

    def hold_long_requests(self, seconds: float) -> None:
        """Let others run as many long requests as may run at once, for a while."""
        with self._lock:
            self._org.usage.hold_long_requests(seconds)

    def set_bulk_pace(self, queued_seconds: float = 1.0, seconds_per_batch: float = 1.0) -> None:
        """How long bulk jobs wait, and how long they take for each 10,000 records."""
        with self._lock:
            self._org.bulk_pace = BulkPace(queued_seconds, seconds_per_batch)

    def allow_hard_delete(self, on: bool) -> None:
        """Whether bulk jobs may delete for good, without the recycle bin."""
        with self._lock:
            self._org.hard_delete_allowed = on
