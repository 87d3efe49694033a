"""Decisions: facts recorded once, with evidence, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from syncd.model.refs import Ref


class DecisionKind(StrEnum):
    """What was decided."""

    SUBMITTED = "submitted"
    RETURNED = "returned"
    APPROVED = "approved"
    REJECTED = "rejected"
    GRANTED = "granted"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    ADOPTED = "adopted"
    RULED = "ruled"
    REQUESTED = "requested"  # an extension, by the partner
    EXTENDED = "extended"
    DENIED = "denied"  # the extension that was requested
    REMINDED = "reminded"  # something is to be told to somebody, once
    SUSPENDED = "suspended"
    REINSTATED = "reinstated"
    REVOKED = "revoked"
    RELEASED = "released"
    TRANSFERRED = "transferred"
    EXEMPTED = "exempted"
    APPEALED = "appealed"
    PROPOSED = "proposed"
    PRECHECKED = "prechecked"  # a partner asked beforehand, and was answered
    OVERRIDDEN = "overridden"
    SAME = "same"
    DIFFERENT = "different"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who decided: a rule of the policy, a person, or the source system's own user."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    @classmethod
    def parse(cls, text: str) -> Actor:
        """Read `kind:name` back."""
        kind, _, name = text.partition(":")
        return cls(kind, name)

    @classmethod
    def rule(cls, name: str) -> Actor:
        """A rule of the policy."""
        return cls("rule", name)

    @classmethod
    def person(cls, name: str) -> Actor:
        """A person, through the command line, the console or a CRM record."""
        return cls("person", name)


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision about one subject.

    `subject` is the registration (or, for judgements, the left record), `other` the second record of a
    judgement or the winning or losing claim of a ruling. `at` is when it was recorded, `effective_at` when it
    takes effect, which never depends on when the daemon ran. `evidence` holds plain JSON values.
    """

    kind: DecisionKind
    subject: Ref
    actor: Actor
    at: datetime
    effective_at: datetime
    policy_version: str
    rule: str
    reason: str = ""
    other: Ref | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    seq: int | None = None
