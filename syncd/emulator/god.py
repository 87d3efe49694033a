"""The god view: read and edit both CRMs from Python, as a person would, behind the same lock as the servers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from threading import RLock
from typing import Any

from syncd.emulator.hubspot.store import Portal
from syncd.emulator.salesforce.store import Org


class SalesforceView:
    """The org as only its makers see it."""

    def __init__(self, org: Org, lock: RLock) -> None:
        self._org, self._lock = org, lock

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Every record with every field of the object, deleted ones included."""
        with self._lock:
            return self._org.rows(name)

    def edit(self, name: str, id_: str, values: Mapping[str, Any], user: str | None = None) -> None:
        """Change a record as a person would; `user` is a username or id."""
        with self._lock:
            self._org.edit(name, id_, values, user)

    def insert(self, name: str, values: Mapping[str, Any], user: str | None = None) -> str:
        """Add a record as a person would; returns its id."""
        with self._lock:
            return self._org.insert(name, values, user)

    def delete(self, name: str, id_: str, user: str | None = None) -> None:
        """Put a record into the recycle bin as a person would."""
        with self._lock:
            self._org.delete(name, id_, user)


class HubspotView:
    """The portal as only its makers see it."""

    def __init__(self, portal: Portal, lock: RLock) -> None:
        self._portal, self._lock = portal, lock

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Every record with every property, archived ones included."""
        with self._lock:
            return self._portal.rows(name)

    def edit(self, name: str, id_: str, values: Mapping[str, Any], user: str | None = None) -> None:
        """Change a record as a person would; `user` is an owner's email, id or user id."""
        with self._lock:
            self._portal.edit(name, id_, values, user)

    def insert(
        self, name: str, values: Mapping[str, Any], user: str | None = None,
        associations: Mapping[str, Iterable[str]] | None = None,
    ) -> str:  # fmt: skip
        """Add a record as a person would; returns its id."""
        with self._lock:
            return self._portal.insert(name, values, user, associations)

    def archive(self, name: str, id_: str, user: str | None = None) -> None:
        """Archive a record as a person would."""
        with self._lock:
            self._portal.archive(name, id_, user)

    def history(self, name: str, id_: str, field: str) -> list[dict[str, Any]]:
        """The values that a property had, newest first, as the API shows them."""
        with self._lock:
            return self._portal.history_of(name, id_, field)

    def associated(self, name: str, id_: str, target: str) -> list[str]:
        """Ids of the records that one is associated with."""
        with self._lock:
            return self._portal.associated(name, id_, target)
