"""Faults of state: object types locked by a bulk operation, and an account that is being moved."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil

from syncd.emulator.clock import Clock
from syncd.emulator.http import Refused, Reply
from syncd.emulator.hubspot.errors import body, refused


class Outages:
    """What is out of service until when."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._locked: dict[str, datetime] = {}
        self._moved_at: datetime | None = None

    def lock(self, kind: str, seconds: float) -> None:
        """Lock the records of a type against writes, as a bulk operation does; 0 unlocks."""
        self._locked[kind] = self._clock.now() + timedelta(seconds=seconds)

    def move(self, seconds: float) -> None:
        """Move the account to another data centre; 0 ends it."""
        self._moved_at = self._clock.now() + timedelta(seconds=seconds)

    def check_moving(self, correlation: str) -> None:
        """Raises 477 MIGRATION_IN_PROGRESS with Retry-After while the account is being moved."""
        now = self._clock.now()
        if self._moved_at is not None and now < self._moved_at:
            message = "This account is being migrated between data hosting locations."
            headers = {"Retry-After": str(ceil((self._moved_at - now).total_seconds()))}
            reply = Reply.json(body(message, "MIGRATION_IN_PROGRESS", correlation), 477)
            reply.headers |= headers
            raise Refused(reply)

    def check_lock(self, kind: str, correlation: str) -> None:
        """Raises 423 LOCKED while the type is locked."""
        until = self._locked.get(kind)
        if until is not None and self._clock.now() < until:
            message = "The resource is locked: a bulk operation is in progress. Try again after two seconds or more."
            raise refused(423, message, "LOCKED", correlation)
