"""Pipelines and stages over HTTP, with their audit."""

from __future__ import annotations

from collections.abc import Callable

from syncd.emulator.http import Call, Reply
from syncd.emulator.hubspot.board import NotFound
from syncd.emulator.hubspot.context import Context
from syncd.emulator.hubspot.errors import Rejected, refused, rejection

_CHECKS = ("validateReferencesBeforeDelete", "validateDealStageUsagesBeforeDelete")


class Stages:
    """The resources below /crm/pipelines/{version}/{type}."""

    def __init__(self, context: Context) -> None:
        self._context, self._board = context, context.portal.board

    def every(self, call: Call) -> Reply:
        """GET pipelines"""
        kind = self._context.kind(call)
        found = sorted(self._board.of(kind).values(), key=lambda one: one.order)
        return Reply.json({"results": [one.shown(kind.name) for one in found]}, records=len(found))

    def read(self, call: Call) -> Reply:
        """GET one pipeline"""
        kind = self._context.kind(call)
        return self._told(call, lambda: Reply.json(self._board.pipeline(kind, call.args["pipeline"]).shown(kind.name)))

    def create(self, call: Call) -> Reply:
        """POST a pipeline"""
        kind, actor = self._context.kind(call), self._context.actor(call)
        return self._told(call, lambda: Reply.json(self._board.add(kind, call.json, actor).shown(kind.name), 201))

    def update(self, call: Call) -> Reply:
        """PATCH a pipeline, or PUT to replace it with its stages"""
        kind, actor, replace = self._context.kind(call), self._context.actor(call), call.method == "PUT"

        def answer() -> Reply:
            changed = self._board.change(kind, call.args["pipeline"], call.json, actor, replace)
            return Reply.json(changed.shown(kind.name))

        return self._told(call, answer)

    def delete(self, call: Call) -> Reply:
        """DELETE a pipeline"""
        kind, actor = self._context.kind(call), self._context.actor(call)
        check = any(self._context.flag(call, name) for name in _CHECKS)

        def answer() -> Reply:
            self._board.remove(kind, call.args["pipeline"], actor, check)
            return Reply(204)

        return self._told(call, answer)

    def stages(self, call: Call) -> Reply:
        """GET the stages of a pipeline"""
        kind = self._context.kind(call)

        def answer() -> Reply:
            return Reply.json({"results": self._board.pipeline(kind, call.args["pipeline"]).shown(kind.name)["stages"]})

        return self._told(call, answer)

    def stage(self, call: Call) -> Reply:
        """GET one stage"""
        kind, ids = self._context.kind(call), (call.args["pipeline"], call.args["stage"])
        return self._told(call, lambda: Reply.json(self._board.stage(kind, *ids).shown(kind.name)))

    def create_stage(self, call: Call) -> Reply:
        """POST a stage"""
        kind, actor = self._context.kind(call), self._context.actor(call)

        def answer() -> Reply:
            made = self._board.add_stage(kind, call.args["pipeline"], call.json, actor)
            return Reply.json(made.shown(kind.name), 201)

        return self._told(call, answer)

    def update_stage(self, call: Call) -> Reply:
        """PATCH or PUT a stage"""
        kind, actor = self._context.kind(call), self._context.actor(call)

        def answer() -> Reply:
            changed = self._board.change_stage(kind, call.args["pipeline"], call.args["stage"], call.json, actor)
            return Reply.json(changed.shown(kind.name))

        return self._told(call, answer)

    def delete_stage(self, call: Call) -> Reply:
        """DELETE a stage that no record is in"""
        kind, actor = self._context.kind(call), self._context.actor(call)

        def answer() -> Reply:
            self._board.remove_stage(kind, call.args["pipeline"], call.args["stage"], actor)
            return Reply(204)

        return self._told(call, answer)

    def audit(self, call: Call) -> Reply:
        """GET what was done to a pipeline or a stage"""
        self._context.kind(call)
        return Reply.json({"results": self._board.audit(call.args.get("stage") or call.args["pipeline"])})

    def _told(self, call: Call, answer: Callable[[], Reply]) -> Reply:
        try:
            return answer()
        except Rejected as error:
            raise rejection(error, call.id) from None
        except NotFound:
            raise refused(404, "resource not found", "OBJECT_NOT_FOUND", call.id) from None
