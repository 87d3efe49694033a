"""What the handlers of the portal share: who calls, which type is meant, what was asked for."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from syncd.emulator.http import Call, Refused, Reply
from syncd.emulator.hubspot.authors import Author
from syncd.emulator.hubspot.errors import HTML, MISSING_PAGE, Missing, Rejected, body, refused, rejection
from syncd.emulator.hubspot.grants import Grant, Tokens
from syncd.emulator.hubspot.store import Portal
from syncd.emulator.hubspot.types import ObjectType
from syncd.emulator.hubspot.values import wire_time
from syncd.emulator.variants import Variants

Item = dict[str, Any]


@dataclass(slots=True)
class Asked:
    """What is known of a request beside itself: whose token it carries and which version it speaks."""

    grant: Grant
    version: str


class Context:
    """The portal with the helpers that turn its exceptions into the vendor's answers."""

    def __init__(self, portal: Portal, tokens: Tokens, variants: Variants) -> None:
        self.portal, self.tokens, self.variants = portal, tokens, variants
        self.asked = Asked(Grant(""), "")

    # --- object types

    def kind(self, call: Call, name: str = "type") -> ObjectType:
        """The object type in the path, or 400."""
        return self.kind_named(call, call.args[name])

    def kind_named(self, call: Call, spelling: str) -> ObjectType:
        """The object type that a text means, or 400, without a category as the vendor does it."""
        found = self.portal.types.find(spelling)
        if found is None:
            numeric = spelling[:1].isdigit()
            text = "Invalid object or event type id" if numeric else "Unable to infer object type from"
            raise refused(400, f"{text}: {spelling}", None, call.id)
        return found

    def kinds(self, call: Call, names: Iterable[str]) -> list[ObjectType]:
        """Several object types."""
        return [self.kind_named(call, name) for name in names]

    # --- who writes

    def actor(self, call: Call) -> Author:
        """Who the request writes as."""
        grant = self.asked.grant
        return Author(grant.name, grant.app, call.id, "INTEGRATION", self.asked.version, grant.oauth)

    # --- what goes wrong

    def bad(self, call: Call, message: str, **more: Any) -> Refused:
        """400 VALIDATION_ERROR."""
        return refused(400, message, "VALIDATION_ERROR", call.id, **more)

    def missing(self, call: Call, id_: str) -> Refused:
        """404 for one record: the vendor answers with an HTML page."""
        number = id_.lstrip("-")
        if not number.isdigit() or int(id_) <= 0:
            usual = "positive" if number.isdigit() else "numeric"
            message = f"Object not found.  objectId are usually {usual}."
            return refused(404, message, "OBJECT_NOT_FOUND", call.id, context={"id": [id_]})
        if self.variants.hubspot_missing_record == "json":
            return refused(404, "resource not found", None, call.id)
        return Refused(Reply(404, MISSING_PAGE, dict(HTML)))

    def answered(self, call: Call, answer: Callable[[], Reply]) -> Reply:
        """Run a handler for one record, its exceptions answered as the vendor does."""
        try:
            return answer()
        except Rejected as error:
            raise rejection(error, call.id) from None
        except Missing as error:
            raise self.missing(call, error.id) from None

    def error_item(self, call: Call, error: Rejected, **context: list[str]) -> Item:
        """One element of `errors` in a batch answer."""
        more = error.more | {"context": error.more.get("context", {}) | context}
        item = body(error.message, error.category, call.id, **more)
        del item["correlationId"]
        return item

    def not_found_item(self, kind: ObjectType, ids: list[str]) -> Item:
        """The element of `errors` for ids that are not there."""
        message = f"Could not get some {kind.name}. Some of the ids provided were not found."
        key = self.variants.hubspot_not_found_key
        return {"status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": {key: ids}}

    # --- batches

    def inputs(self, call: Call, most: int) -> list[Item]:
        """The `inputs` of a batch, or 400."""
        inputs = call.json.get("inputs") if isinstance(call.json, dict) else None
        if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
            raise self.bad(call, "Invalid input JSON: Some required fields were not set: [inputs]")
        if len(inputs) > most:
            raise self.bad(call, f"Maximum input batch size is {most}; this request has {len(inputs)}")
        return inputs

    def batch(self, call: Call, results: list[Item], errors: list[Item], status: int = 200) -> Reply:
        """The envelope of a batch; partial failures are 207, in 2026-09 perhaps 200 with `errors`."""
        now = wire_time(self.portal.clock.now())
        content: Item = {"status": "COMPLETE", "results": results, "requestedAt": now, "startedAt": now,
                         "completedAt": now}  # fmt: skip
        if errors:
            content |= {"numErrors": len(errors), "errors": errors}
            folded = self.variants.hubspot_partial_status == "200_in_2026_09" and self.asked.version == "2026-09"
            status = 200 if folded else 207
        return Reply.json(content, status, records=len(results))

    def ordered(self, call: Call, results: list[Item]) -> list[Item]:
        """Results of objects in an order that is not promised to be that of the request."""
        order = self.variants.hubspot_result_order
        if order == "request":
            return results
        found = sorted(results, key=lambda one: int(one["id"]))
        if order == "shuffled":
            random.Random(f"{self.portal.seed} {call.id}").shuffle(found)  # noqa: S311 (a seed, not a secret)
        return found

    # --- parameters

    def flag(self, call: Call, name: str) -> bool:
        """A true/false parameter."""
        return call.params().get(name, "false").lower() == "true"

    def whole_number(self, call: Call, name: str, default: int, most: int) -> int:
        """A numeric parameter within its bounds, or 400."""
        text = call.params().get(name, str(default))
        if not text.isdigit() or not 1 <= int(text) <= most:
            raise self.bad(call, f"{name} must be a whole number from 1 to {most}, not {text}")
        return int(text)
