"""HubSpot's error bodies, and what goes wrong with one record before it becomes one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from syncd.emulator.http import Refused, Reply

MISSING_PAGE = b"""<html>
<head><meta http-equiv="Content-Type" content="text/html;charset=iso-8859-1"/>
<title>Error 404 Resource not found</title></head>
<body><h2>HTTP ERROR 404</h2><p>Problem accessing this resource. Reason: <pre>    Resource not found</pre></p></body>
</html>
"""
HTML = {"Content-Type": "text/html;charset=iso-8859-1"}


class Rejected(Exception):
    """A write that the portal does not take: what the error body says of it."""

    status, category = 400, "VALIDATION_ERROR"

    def __init__(self, message: str, **more: Any) -> None:
        super().__init__(message)
        self.message, self.more = message, more


class Invalid(Rejected):
    """Property values of one record that are not accepted; the vendor's text holds a JSON list."""

    def __init__(self, problems: Sequence[Mapping[str, object]]) -> None:
        super().__init__(f"Property values were not valid: {orjson.dumps(list(problems)).decode()}")
        self.problems = problems


class Conflict(Rejected):
    """A unique value that another record holds."""

    status, category = 409, "CONFLICT"

    def __init__(self, singular: str, id_: str) -> None:
        super().__init__(f"{singular.capitalize()} already exists. Existing ID: {id_}")


class RuleBroken(Rejected):
    """A rule of the account's admin that a write of 2026-09 breaks."""


class Forbidden(Rejected):
    """What the person whom a token acts for may not do."""

    status, category = 403, "FORBIDDEN"


class Missing(Exception):
    """A record that is not there, or archived."""

    def __init__(self, id_: str) -> None:
        super().__init__(id_)
        self.id = id_


def problem(name: str, code: str, message: str) -> dict[str, object]:
    """One element of the list inside `Property values were not valid`."""
    return {"isValid": False, "message": message, "error": code, "name": name, "localizedErrorMessage": message}


def body(message: str, category: str | None, correlation: str, **more: Any) -> dict[str, Any]:
    """The general error object."""
    content: dict[str, Any] = {"status": "error", "message": message, "correlationId": correlation}
    if category is not None:
        content["category"] = category
    return content | more


def refused(status: int, message: str, category: str | None, correlation: str, **more: Any) -> Refused:
    """A refusal of the whole request."""
    return Refused(Reply.json(body(message, category, correlation, **more), status))


def rejection(error: Rejected, correlation: str) -> Refused:
    """The refusal of a request for what is wrong with its one record."""
    return refused(error.status, error.message, error.category, correlation, **error.more)
