"""What the handlers of the portal share: who calls, which type is meant, what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from syncd.emulator.http import Call, Refused, Reply
from syncd.emulator.hubspot.errors import MISSING_PAGE, Conflict, Invalid, Missing, body, refused
from syncd.emulator.hubspot.store import APP_ID, Portal
from syncd.emulator.hubspot.types import ObjectType
from syncd.emulator.log import Actor
from syncd.emulator.variants import Variants


class Context:
    """The portal with the helpers that turn its exceptions into the vendor's answers."""

    def __init__(self, portal: Portal, variants: Variants) -> None:
        self.portal, self.variants = portal, variants

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

    def actor(self, call: Call) -> Actor:
        """Who the request writes as."""
        return Actor(call.by or "", APP_ID, call.id)

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
        return Refused(Reply(404, MISSING_PAGE, {"Content-Type": "text/html;charset=iso-8859-1"}))

    def answered(self, call: Call, answer: Callable[[], Reply]) -> Reply:
        """Run a handler for one record, its exceptions answered as the vendor does."""
        try:
            return answer()
        except Invalid as error:
            raise self.bad(call, error.message) from None
        except Conflict as error:
            raise refused(409, error.message, "CONFLICT", call.id) from None
        except Missing as error:
            raise self.missing(call, error.id) from None

    def error_item(self, call: Call, error: Exception, **context: list[str]) -> dict[str, Any]:
        """One element of `errors` in a batch answer."""
        category = "CONFLICT" if isinstance(error, Conflict) else "VALIDATION_ERROR"
        item = body(getattr(error, "message", str(error)), category, call.id, context=context)
        del item["correlationId"]
        return item

    def not_found_item(self, kind: ObjectType, ids: list[str]) -> dict[str, Any]:
        """The element of `errors` for ids that are not there."""
        message = f"Could not get some {kind.name}. Some of the ids provided were not found."
        key = self.variants.hubspot_not_found_key
        return {"status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": {key: ids}}

    def flag(self, call: Call, name: str) -> bool:
        """A true/false parameter."""
        return call.params().get(name, "false").lower() == "true"

    def whole_number(self, call: Call, name: str, default: int, most: int) -> int:
        """A numeric parameter within its bounds, or 400."""
        text = call.params().get(name, str(default))
        if not text.isdigit() or not 1 <= int(text) <= most:
            raise self.bad(call, f"{name} must be a whole number from 1 to {most}, not {text}")
        return int(text)
