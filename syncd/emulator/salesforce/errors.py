"""Salesforce's refusals: per request (a JSON array) and per record (inside Collections results)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from syncd.emulator.http import Refused, Reply


@dataclass(slots=True)
class RowError(Exception):
    """One record could not be read or written."""

    code: str
    message: str
    fields: Sequence[str] = ()
    status: int = 400
    more: Mapping[str, object] | None = None

    def as_body(self) -> list[dict[str, object]]:
        """The body when the record was the whole request."""
        error: dict[str, object] = {"message": self.message, "errorCode": self.code}
        if self.fields or self.status == 400:
            error["fields"] = list(self.fields)
        return [error | dict(self.more or {})]

    def as_item(self) -> dict[str, object]:
        """One element of `errors` in a Collections result."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields)}

    def as_reply(self) -> Reply:
        """The answer when the record was the whole request."""
        return Reply.json(self.as_body(), self.status)


def refused(status: int, code: str, message: str) -> Refused:
    """A refusal of the whole request."""
    return Refused(Reply.json([{"message": message, "errorCode": code}], status))


def not_found(message: str = "The requested resource does not exist") -> Refused:
    """404 for a path or a resource that is not there."""
    return refused(404, "NOT_FOUND", message)
