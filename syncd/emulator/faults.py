"""The fault plan: which coming requests are refused, dropped before or after they are applied, or slowed down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

Mode = Literal["status", "drop_before", "apply_then_drop", "slow"]
System = Literal["salesforce", "hubspot"]


@dataclass(slots=True)
class Fault:
    """One planned fault; it strikes `times` matching requests after letting `skip` of them pass."""

    system: str
    mode: Mode = "status"
    method: str | None = None
    path_prefix: str = ""
    times: int = 1
    skip: int = 0
    status: int = 503
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode):
            raise ValueError(f"unknown mode {self.mode!r}: one of {', '.join(get_args(Mode))}")
        if self.system not in get_args(System):
            raise ValueError(f"unknown system {self.system!r}: one of {', '.join(get_args(System))}")

    def strikes(self, system: str, method: str, path: str) -> bool:
        """Whether a request is of the kind that this fault is for."""
        same_method = self.method is None or self.method.upper() == method
        return self.system == system and same_method and path.startswith(self.path_prefix)


@dataclass(slots=True)
class FaultPlan:
    """Faults in the order in which they were planned."""

    faults: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        """Plan a fault."""
        self.faults.append(fault)

    def take(self, system: str, method: str, path: str) -> Fault | None:
        """The fault that strikes this request, used up by one."""
        for fault in self.faults:
            if not fault.strikes(system, method, path):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.times -= 1
            if fault.times <= 0:
                self.faults.remove(fault)
            return fault
        return None
