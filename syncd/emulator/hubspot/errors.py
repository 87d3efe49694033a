"""HubSpot's error bodies."""

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


class Invalid(Exception):
    """Property values of one record that the portal does not take."""

    def __init__(self, problems: Sequence[Mapping[str, object]]) -> None:
        super().__init__(problems)
        self.problems = problems

    @property
    def message(self) -> str:
        """The vendor's text: a JSON list inside a sentence."""
        return f"Property values were not valid: {orjson.dumps(self.problems).decode()}"


class Conflict(Exception):
    """A unique value that another record holds."""

    def __init__(self, singular: str, id_: str) -> None:
        super().__init__(id_)
        self.message = f"{singular.capitalize()} already exists. Existing ID: {id_}"


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
