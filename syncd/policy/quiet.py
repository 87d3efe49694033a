"""Quiet hours: when a connection is left in peace, and what is told even then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from syncd.model import FilingStatus, StampStatus

_OVER = frozenset(
    status.value for status in (StampStatus.ENDED, FilingStatus.EXPIRED, FilingStatus.WITHDRAWN, FilingStatus.REJECTED)
)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one time of day until another, perhaps over midnight, in a zone."""

    start: time
    end: time
    zone: str

    def hold(self, now: datetime) -> bool:
        """Whether it is quiet now."""
        local = now.astimezone(ZoneInfo(self.zone)).time()
        if self.start < self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end

    def __str__(self) -> str:
        return f"quiet hours until {self.end:%H:%M} ({self.zone})"


def takes_back(shown: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a change of stamps takes something back that is shown and no longer true: that never waits.

    A protection that is over, or another claim in its place; an end that is earlier than the one shown.
    """
    if shown.get("status") is None:
        return False
    status = wanted.get("status")
    if status is None or status in _OVER:
        return True
    replaced = any(shown.get(n) is not None and wanted.get(n) != shown.get(n) for n in ("number", "partner"))
    until, before = wanted.get("until"), shown.get("until")
    return replaced or (isinstance(until, datetime) and isinstance(before, datetime) and until < before)
