"""One rule that is off until its key is written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from syncd.policy.schema import Policy


@dataclass(frozen=True, slots=True)
class Switch:
    """A rule that is off until its key is written down: what it does, and its sentence when it is on."""

    key: str
    does: str
    on: Callable[[Policy], bool]
    says: Callable[[Policy], str]

    def off(self) -> str:
        """A line for a policy without it."""
        return f"{self.key}: off. {self.does}"
