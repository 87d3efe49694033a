"""The god view's part for people: what becomes of whole records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any

from syncd.emulator.errors import EmulatorRefusal
from syncd.emulator.salesforce import merging
from syncd.emulator.salesforce.errors import RowError
from syncd.emulator.salesforce.schema import Field, SObject
from syncd.emulator.salesforce.store import Org


class Naming:
    """Finds what the arguments of the god view name."""

    _org: Org
    _lock: RLock

    def _object(self, name: str) -> SObject:
        found = self._org.find(name)
        if found is None:
            raise EmulatorRefusal("INVALID_TYPE", f"no object {name!r}; known: {', '.join(self._org.objects)}")
        return found

    def _field(self, name: str, field: str) -> Field:
        found = self._object(name).field(field)
        if found is None:
            raise EmulatorRefusal("INVALID_FIELD", f"{name} has no field {field!r}")
        return found

    def _id(self, name: str, id_: str) -> str:
        try:
            return str(self._org.row(self._object(name).name, id_)[0])
        except RowError as error:
            raise EmulatorRefusal(error.code, f"{name} {id_}: {error.message}") from error


class People(Naming):
    """Undeleting, merging, converting: by people only, REST offers none of it."""

    def undelete(self, object: str, id: str, user: str | None = None) -> None:
        """Take a record out of the recycle bin."""
        with self._lock, self._refusing():
            self._org.bin.restore(self._object(object).name, id, self._org.person(user))

    def purge(self, object: str, id: str) -> None:
        """Empty one deleted record out of the recycle bin: it is gone for good."""
        with self._lock, self._refusing():
            self._org.bin.empty(self._object(object).name, id)

    def merge(
        self, object: str, winner: str, losers: Sequence[str], user: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Merge one or two accounts, contacts, leads or cases into another; `values` go to the winner."""
        with self._lock, self._refusing():
            merging.merge(self._org, self._object(object).name, winner, losers, self._org.person(user), values)

    def convert_lead(
        self, id: str, account_id: str | None = None, opportunity: bool = True, user: str | None = None
    ) -> dict[str, str | None]:
        """Convert a lead, into an existing account if one is named; returns the ids that came of it."""
        with self._lock, self._refusing():
            made = merging.convert(self._org, id, account_id, opportunity, self._org.person(user))
            return {"account": made.account, "contact": made.contact, "opportunity": made.opportunity}

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        self._org.pass_time()
        try:
            with self._org.commits.by_person(None):
                yield
        except RowError as error:
            raise EmulatorRefusal(error.code, error.message) from error
