"""The god view: read and edit both CRMs from Python, as a person would, behind the same lock as the servers."""

from __future__ import annotations

from collections.abc import Mapping
from threading import RLock
from typing import Any

from syncd.emulator.hubspot.grants import Tokens as HubspotTokens
from syncd.emulator.hubspot.people import People as HubspotPeople
from syncd.emulator.hubspot.service import Service as HubspotService
from syncd.emulator.hubspot.setup import Setup as HubspotSetup
from syncd.emulator.hubspot.store import Portal
from syncd.emulator.salesforce.people import People
from syncd.emulator.salesforce.sessions import Tokens
from syncd.emulator.salesforce.setup import Access, Rules
from syncd.emulator.salesforce.store import Org
from syncd.emulator.salesforce.visibility import Background, Visibility


class SalesforceView(People, Rules, Access, Visibility, Background):
    """The org as only its makers see it."""

    def __init__(self, org: Org, lock: RLock, tokens: Tokens) -> None:
        self._org, self._lock, self._tokens = org, lock, tokens

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Every record with every field of the object, deleted ones included."""
        with self._lock:
            return self._org.rows(name)

    def edit(
        self, name: str, id_: str, values: Mapping[str, Any], user: str | None = None, transaction: str | None = None
    ) -> None:
        """Change a record as a person would; `user` is a username or id, `transaction` a handle of `hold_commits`."""
        with self._lock:
            self._org.edit(name, id_, values, user, transaction)

    def insert(
        self, name: str, values: Mapping[str, Any], user: str | None = None, transaction: str | None = None
    ) -> str:
        """Add a record as a person would; returns its id."""
        with self._lock:
            return self._org.insert(name, values, user, transaction)

    def delete(self, name: str, id_: str, user: str | None = None, transaction: str | None = None) -> None:
        """Put a record into the recycle bin as a person would."""
        with self._lock:
            self._org.delete(name, id_, user, transaction)


class HubspotView(HubspotService, HubspotSetup, HubspotPeople):
    """The portal as only its makers see it."""

    def __init__(self, portal: Portal, lock: RLock, tokens: HubspotTokens) -> None:
        self._portal, self._lock, self._tokens = portal, lock, tokens
