"""The fault plan: which coming requests are refused, lost, held back, slowed down or answered in a damaged way."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, get_args
from urllib.parse import unquote_plus

import orjson

Mode = Literal[
    "status",  # answered with `status`, `body` and `headers`; never applied
    "status_after",  # applied, and answered with `status`, `body` and `headers` all the same
    "drop_before",  # the connection ends before the request is applied
    "apply_then_drop",  # applied; the connection ends before the answer
    "apply_late",  # the connection ends at once; applied `seconds` later by the emulator's clock, or when released
    "slow",  # `seconds` pass, then it is applied and answered
    "slow_answer",  # applied at once; `seconds` pass before the first byte of the answer
    "drip",  # the body comes in pieces of `step_bytes`, `seconds` between two of them
    "truncate",  # the connection ends after `after_bytes` of a body that was announced whole
    "cut",  # the body (gzipped or not) is `after_bytes` long, and announced so
    "garble",  # the body is changed as `garbling` says, and announced as it is
    "wrong_length",  # Content-Length is wrong by `length_off` bytes; then the connection ends
    "reorder",  # applied at once, answered after the next answer of the same system, or when `seconds` have passed
    "duplicate",  # delivered twice, as by a proxy that tries again; the second answer is the one that arrives
]
Garbling = Literal["noise", "nul", "bom", "latin-1"]
System = Literal["salesforce", "hubspot"]
REORDER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of trouble and the requests that it is for; an empty condition holds for all.

    `times` requests are struck (None: until the plan is cleared) after `skip` matching ones have passed; of those that
    match, each is struck with `probability`, drawn under the emulator's seed. `path_pattern` is a regular expression
    that is searched in the decoded path and query. `seconds` are real ones, except in `apply_late`. `reset` ends a
    connection by RST where the mode ends one. Raises ValueError for what makes no sense.
    """

    system: str
    mode: Mode = "status"
    method: str | None = None
    path_prefix: str = ""
    path_pattern: str = ""
    body_contains: str = ""
    times: int | None = 1
    skip: int = 0
    probability: float = 1.0
    status: int = 503
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    after_bytes: int = 0
    step_bytes: int = 1
    garbling: Garbling = "noise"
    length_off: int = 1
    reset: bool = False

    def __post_init__(self) -> None:
        for value, kind, name in ((self.mode, Mode, "mode"), (self.system, System, "system"),
                                  (self.garbling, Garbling, "garbling")):  # fmt: skip
            if value not in get_args(kind):
                raise ValueError(f"unknown {name} {value!r}: one of {', '.join(get_args(kind))}")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times must be at least 1, or null for ever, not {self.times}")
        if not 0 < self.probability <= 1:
            raise ValueError(f"probability must be above 0 and at most 1, not {self.probability}")
        if not 200 <= self.status <= 599:
            raise ValueError(f"status must be from 200 to 599, not {self.status}")
        if min(self.skip, self.seconds, self.after_bytes) < 0 or self.step_bytes < 1:
            raise ValueError("skip, seconds and after_bytes must not be negative, step_bytes must be at least 1")
        _compiled(self.path_pattern)

    def matches(self, system: str, method: str, path: str, query: str, body: bytes) -> bool:
        """Whether a request is of the kind that this fault is for."""
        if self.system != system or (self.method is not None and self.method.upper() != method):
            return False
        if not path.startswith(self.path_prefix) or self.body_contains.encode() not in body:
            return False
        return not self.path_pattern or bool(_compiled(self.path_pattern).search(unquote_plus(f"{path}?{query}")))

    def content(self) -> bytes:
        """The body to answer with: text as it is, anything else as JSON."""
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else orjson.dumps(self.body)


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"path_pattern {pattern!r} is no regular expression: {error}") from None


@dataclass(slots=True)
class Planned:
    """A fault in the plan, with what became of it so far."""

    id: str
    fault: Fault
    dice: random.Random
    passed: int = 0
    struck: int = 0

    def strikes(self) -> bool:
        """Whether this matching request is struck; counts it."""
        if self.passed < self.fault.skip or self.dice.random() >= self.fault.probability:
            self.passed += 1
            return False
        self.struck += 1
        return True

    @property
    def over(self) -> bool:
        """Whether it has struck as often as it should."""
        return self.fault.times is not None and self.struck >= self.fault.times

    def shown(self) -> dict[str, Any]:
        """As the admin API lists it."""
        settings = asdict(self.fault)
        if isinstance(settings["body"], bytes):
            settings["body"] = settings["body"].decode(errors="replace")
        return {"id": self.id, "passed": self.passed, "struck": self.struck, **settings}


class FaultPlan:
    """Faults in the order in which they were planned; the first that strikes a request has it."""

    def __init__(self, seed: int = 0) -> None:
        self._seed, self._count = seed, 0
        self._planned: dict[str, Planned] = {}

    def add(self, fault: Fault) -> str:
        """Plan a fault; returns its id."""
        self._count += 1
        id_ = f"fault-{self._count}"
        dice = random.Random(f"{id_} {self._seed}")  # noqa: S311 (a seed, not a secret)
        self._planned[id_] = Planned(id_, fault, dice)
        return id_

    def take(self, system: str, method: str, path: str, query: str = "", body: bytes = b"") -> Fault | None:
        """The fault that strikes this request, used up by one."""
        for planned in self._planned.values():
            if planned.fault.matches(system, method, path, query, body) and planned.strikes():
                if planned.over:
                    del self._planned[planned.id]
                return planned.fault
        return None

    def clear(self, id_: str | None = None) -> int:
        """Take one fault, or all, out of the plan; returns how many. Raises ValueError for an unknown id."""
        if id_ is not None and id_ not in self._planned:
            raise ValueError(f"no planned fault {id_!r}; planned: {', '.join(self._planned) or 'none'}")
        gone = list(self._planned) if id_ is None else [id_]
        for one in gone:
            del self._planned[one]
        return len(gone)

    def listed(self) -> list[dict[str, Any]]:
        """What is planned, with how often each was passed by and struck."""
        return [planned.shown() for planned in self._planned.values()]


@dataclass(slots=True)
class Held:
    """A request whose client was cut off and that is applied later; `status` is what it came to."""

    id: str
    system: str
    method: str
    path: str
    due: datetime | None
    status: int | None = None


class LateRequests:
    """Requests that wait to be applied, and those that were."""

    def __init__(self) -> None:
        self._all: dict[str, Held] = {}
        self._waiting: dict[str, Callable[[], int]] = {}

    def hold(self, held: Held, apply: Callable[[], int]) -> None:
        """Keep a request back; `apply` answers the status that it comes to."""
        self._all[held.id], self._waiting[held.id] = held, apply

    def apply_due(self, now: datetime) -> int:
        """Apply what has fallen due, the earliest first; returns how many."""
        due = [self._all[id_] for id_ in self._waiting]
        ready = [one for one in due if one.due is not None and one.due <= now]
        for one in sorted(ready, key=lambda one: one.due or now):
            self._apply(one.id)
        return len(ready)

    def release(self, id_: str | None = None) -> int:
        """Apply one waiting request, or all, now; returns how many. Raises ValueError for an unknown id."""
        if id_ is not None and id_ not in self._waiting:
            raise ValueError(f"no request {id_!r} is held; held: {', '.join(self._waiting) or 'none'}")
        released = list(self._waiting) if id_ is None else [id_]
        for one in released:
            self._apply(one)
        return len(released)

    def listed(self) -> list[Held]:
        """All that were ever held, in order."""
        return list(self._all.values())

    def _apply(self, id_: str) -> None:
        self._all[id_].status = self._waiting.pop(id_)()

    def __bool__(self) -> bool:
        """Whether any request waits."""
        return bool(self._waiting)


def due_at(now: datetime, seconds: float) -> datetime | None:
    """When a held request falls due; without seconds only a release applies it."""
    return now + timedelta(seconds=seconds) if seconds > 0 else None
