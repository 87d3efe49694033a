"""Edits of pipelines and stages, by the API and by people, with the audit of each pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from syncd.emulator.hubspot.authors import Author
from syncd.emulator.hubspot.errors import Rejected
from syncd.emulator.hubspot.pipelines import Pipeline, Stage, pipeline_properties
from syncd.emulator.hubspot.types import ObjectType
from syncd.emulator.hubspot.values import wire_time

if TYPE_CHECKING:
    from syncd.emulator.hubspot.store import Portal

Body = Mapping[str, Any]


class NotFound(Exception):
    """A pipeline or stage that is not there."""


class Board:
    """The pipelines of one portal."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._audit: dict[str, list[dict[str, Any]]] = {}
        self._made = 0

    def of(self, kind: ObjectType) -> dict[str, Pipeline]:
        """The pipelines of a type by id."""
        return self._portal.pipelines.setdefault(kind.name, {})

    def pipeline(self, kind: ObjectType, id_: str) -> Pipeline:
        """One pipeline; raises NotFound."""
        if id_ not in self.of(kind):
            raise NotFound(id_)
        return self.of(kind)[id_]

    def stage(self, kind: ObjectType, pipeline: str, id_: str) -> Stage:
        """One stage; raises NotFound."""
        stages = self.pipeline(kind, pipeline).stages
        if id_ not in stages:
            raise NotFound(id_)
        return stages[id_]

    def audit(self, id_: str) -> list[dict[str, Any]]:
        """What was done to a pipeline or stage, newest first."""
        return self._audit.get(id_, [])[::-1]

    # --- pipelines

    def add(self, kind: ObjectType, body: Body, author: Author) -> Pipeline:
        """A new pipeline with its stages; raises Rejected."""
        if not body.get("label") or not isinstance(body.get("stages"), list):
            raise Rejected("Some required fields were not set: [label, stages]")
        if any(one.label == body["label"] for one in self.of(kind).values()):
            raise Rejected(f"A pipeline with the label {body['label']} already exists")
        id_ = str(body.get("pipelineId") or self._mint())
        made = Pipeline(id_, str(body["label"]), int(body.get("displayOrder", len(self.of(kind)))),
                        created=self._now(), updated=self._now())  # fmt: skip
        for one in body["stages"]:
            self._put_stage(kind, made, one)
        self.of(kind)[id_] = made
        self._note(id_, "CREATE", made.shown(kind.name), author)
        return made

    def change(self, kind: ObjectType, id_: str, body: Body, author: Author, replace: bool = False) -> Pipeline:
        """Label and order; with `replace` the stages as well, which keep the records that are in them."""
        pipeline = self.pipeline(kind, id_)
        pipeline.label = str(body.get("label", pipeline.label))
        pipeline.order = int(body.get("displayOrder", pipeline.order))
        pipeline.updated = self._now()
        if replace:
            pipeline.stages.clear()
            for one in body.get("stages") or ():
                self._put_stage(kind, pipeline, one)
        self._note(id_, "UPDATE", pipeline.shown(kind.name), author)
        return pipeline

    def remove(self, kind: ObjectType, id_: str, author: Author, check: bool = False) -> None:
        """Remove a pipeline; with `check` only if no record is in it."""
        gone = self.pipeline(kind, id_)
        if check and self._used(kind, pipeline_properties(kind.name)[0], id_):
            raise Rejected(f"Pipeline {id_} is still used by records", context={"id": [id_]})
        del self.of(kind)[id_]
        self._note(id_, "DELETE", gone.shown(kind.name), author)

    # --- stages

    def add_stage(self, kind: ObjectType, pipeline: str, body: Body, author: Author) -> Stage:
        """A new stage; raises Rejected."""
        made = self._put_stage(kind, self.pipeline(kind, pipeline), body)
        self._note(made.id, "CREATE", made.shown(kind.name), author)
        return made

    def change_stage(self, kind: ObjectType, pipeline: str, id_: str, body: Body, author: Author) -> Stage:
        """Label, order and metadata; the records in the stage follow what it says about them."""
        stage = self.stage(kind, pipeline, id_)
        stage.label, stage.order = str(body.get("label", stage.label)), int(body.get("displayOrder", stage.order))
        self._take(stage, body.get("metadata") or {})
        stage.updated = self.pipeline(kind, pipeline).updated = self._now()
        self._portal.derive_again(kind, pipeline_properties(kind.name)[1], id_)
        self._note(id_, "UPDATE", stage.shown(kind.name), author)
        return stage

    def remove_stage(self, kind: ObjectType, pipeline: str, id_: str, author: Author) -> None:
        """Remove a stage that no record is in; raises Rejected otherwise."""
        gone = self.stage(kind, pipeline, id_)
        if self._used(kind, pipeline_properties(kind.name)[1], id_):
            more = {"context": {"id": [id_]}, "subCategory": "PipelineError.STAGE_ID_IN_USE"}
            raise Rejected(f"Stage {id_} is still used by records", **more)
        del self.pipeline(kind, pipeline).stages[id_]
        self._note(id_, "DELETE", gone.shown(kind.name), author)

    # --- parts

    def _put_stage(self, kind: ObjectType, pipeline: Pipeline, body: Body) -> Stage:
        if not body.get("label"):
            raise Rejected("Some required fields were not set: [label]")
        id_ = str(body.get("stageId") or self._mint())
        now = self._now()
        stage = Stage(id_, str(body["label"]), int(body.get("displayOrder", len(pipeline.stages))),
                      created=now, updated=now)  # fmt: skip
        metadata = body.get("metadata") or {}
        if kind.name == "deals" and "probability" not in metadata:
            raise Rejected("Deal stages require metadata.probability, from 0.0 to 1.0")
        self._take(stage, metadata)
        pipeline.stages[id_] = stage
        return stage

    def _take(self, stage: Stage, metadata: Body) -> None:
        try:
            stage.take(metadata)
        except ValueError:
            raise Rejected(f"metadata.probability must be from 0.0 to 1.0, not {metadata['probability']}") from None

    def _used(self, kind: ObjectType, name: str, value: str) -> bool:
        return any(not self._portal.is_archived(kind, row)
                   for row in self._portal.tables[kind.name].with_value(name, value))  # fmt: skip

    def _mint(self) -> str:
        self._made += 1
        return str(990_000_000 + self._made)

    def _now(self) -> str:
        return wire_time(self._portal.clock.now())

    def _note(self, id_: str, action: str, shown: dict[str, Any], author: Author) -> None:
        entry = {"portalId": self._portal.id, "identifier": id_, "action": action, "timestamp": self._now(),
                 "message": f"{action} by {author.name}", "rawObject": shown}  # fmt: skip
        if author.source == "CRM_UI" and author.id.isdigit():
            entry["fromUserId"] = int(author.id)
        self._audit.setdefault(id_, []).append(entry)
