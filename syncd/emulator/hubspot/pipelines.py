"""Pipelines, stages, owners and teams of a portal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

EPOCH = "1970-01-01T00:00:00Z"


@dataclass(slots=True)
class Stage:
    """One stage; `probability` 1.0 in a closed stage means won."""

    id: str
    label: str
    order: int
    closed: bool = False
    probability: str | None = None
    created: str = EPOCH
    updated: str = EPOCH

    def shown(self, kind: str) -> dict[str, Any]:
        """The vendor's shape: metadata are strings."""
        metadata = {"isClosed": "true" if self.closed else "false"}
        if self.probability is not None:
            metadata["probability"] = self.probability
        if kind == "tickets":
            metadata = {"ticketState": "CLOSED" if self.closed else "OPEN"}
        return {"id": self.id, "label": self.label, "displayOrder": self.order, "archived": False, "metadata": metadata,
                "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT", "createdAt": self.created,
                "updatedAt": self.updated}  # fmt: skip

    def take(self, metadata: Mapping[str, Any]) -> None:
        """Metadata as the API writes them; a probability of 1.0 or 0.0 closes a deal's stage."""
        if "probability" in metadata:
            self.probability = str(metadata["probability"])
            self.closed = float(self.probability) in (0.0, 1.0)
        if "isClosed" in metadata:
            self.closed = str(metadata["isClosed"]).lower() == "true"
        if "ticketState" in metadata:
            self.closed = metadata["ticketState"] == "CLOSED"


@dataclass(slots=True)
class Pipeline:
    """One pipeline with its stages by id."""

    id: str
    label: str
    order: int = 0
    stages: dict[str, Stage] = field(default_factory=dict)
    created: str = EPOCH
    updated: str = EPOCH

    def shown(self, kind: str) -> dict[str, Any]:
        """The vendor's shape."""
        stages = [stage.shown(kind) for stage in sorted(self.stages.values(), key=lambda one: one.order)]
        return {"id": self.id, "label": self.label, "displayOrder": self.order, "archived": False, "stages": stages,
                "createdAt": self.created, "updatedAt": self.updated}  # fmt: skip


def default_pipelines() -> dict[str, dict[str, Pipeline]]:
    """What a new portal has, by object type."""
    deals = [
        Stage("appointmentscheduled", "Appointment Scheduled", 0, False, "0.2"),
        Stage("qualifiedtobuy", "Qualified To Buy", 1, False, "0.4"),
        Stage("presentationscheduled", "Presentation Scheduled", 2, False, "0.6"),
        Stage("decisionmakerboughtin", "Decision Maker Bought-In", 3, False, "0.8"),
        Stage("contractsent", "Contract Sent", 4, False, "0.9"),
        Stage("closedwon", "Closed Won", 5, True, "1.0"),
        Stage("closedlost", "Closed Lost", 6, True, "0.0"),
    ]
    tickets = [Stage("1", "New", 0), Stage("2", "Waiting on contact", 1), Stage("3", "Waiting on us", 2),
               Stage("4", "Closed", 3, True)]  # fmt: skip
    leads = [Stage("new-stage-id", "New", 0), Stage("attempting-stage-id", "Attempting", 1),
             Stage("connected-stage-id", "Connected", 2), Stage("qualified-stage-id", "Qualified", 3, True),
             Stage("unqualified-stage-id", "Disqualified", 4, True)]  # fmt: skip
    return {
        "deals": {"default": Pipeline("default", "Sales Pipeline", 0, {one.id: one for one in deals})},
        "tickets": {"0": Pipeline("0", "Support Pipeline", 0, {one.id: one for one in tickets})},
        "leads": {"lead-pipeline-id": Pipeline("lead-pipeline-id", "Lead pipeline", 0, {s.id: s for s in leads})},
    }


def pipeline_properties(kind: str) -> tuple[str, str]:
    """Which properties of a type hold pipeline and stage."""
    return ("pipeline", "dealstage") if kind == "deals" else ("hs_pipeline", "hs_pipeline_stage")


@dataclass(frozen=True, slots=True)
class Team:
    """A team of users."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Owner:
    """One owner: a user or a queue that records can be assigned to; the first team is the primary one."""

    id: str
    email: str
    first_name: str = ""
    last_name: str = ""
    user_id: str = ""
    type: str = "PERSON"
    archived: bool = False
    created: str = EPOCH
    updated: str = EPOCH
    teams: tuple[Team, ...] = ()

    def shown(self) -> dict[str, Any]:
        """The vendor's shape."""
        user = int(self.user_id) if self.user_id.isdigit() and self.type == "PERSON" else None
        teams = [{"id": one.id, "name": one.name, "primary": at == 0} for at, one in enumerate(self.teams)]
        return {"id": self.id, "email": self.email, "type": self.type, "firstName": self.first_name,
                "lastName": self.last_name, "userId": None if self.archived else user,
                "userIdIncludingInactive": user, "createdAt": self.created, "updatedAt": self.updated,
                "archived": self.archived, "teams": teams}  # fmt: skip
