"""The sentences of the service's refusals, in English as recalled and recorded, or in another language.

Clients must decide by the code. The switch `salesforce_messages` answers in German, as an org does whose user reads it.
"""

from __future__ import annotations

from typing import Any

import orjson

from syncd.emulator.http import JSON_TYPE, Reply
from syncd.emulator.salesforce.schema import Field

_APPEND = (
    "If you are attempting to use a custom {0}, be sure to append the '{1}' after {2}. Please reference your WSDL or "
    "the describe call for the appropriate names."
)


def no_type(name: str) -> str:
    """An object that is not there, or not for this user."""
    hint = _APPEND.format("object", "__c", "the entity name")
    return f"sObject type '{name}' is not supported. {hint}"


def no_column(name: str, entity: str) -> str:
    """A field that is not there, or not for this user."""
    hint = _APPEND.format("field", "__c", "the custom field name")
    return f"No such column '{name}' on entity '{entity}'. {hint}"


def no_relationship(name: str, place: str = "field path") -> str:
    """A relationship that is not there; `place` is where it was named."""
    hint = _APPEND.format("relationship", "__r", "the custom relationship name")
    return f"Didn't understand relationship '{name}' in {place}. {hint}"


def wrong_kind(field: Field, kind: str) -> str:
    """A literal of a form that the field cannot be compared with; `kind` is the form that it can be compared with."""
    quoted = "should be enclosed in quotes" if kind == "string" else "should not be enclosed in quotes"
    return f"value of filter criterion for field '{field.name}' must be of type {field.type} and {quoted}"


_GERMAN = {
    "MALFORMED_QUERY": "Die Abfrage ist fehlerhaft.",
    "INVALID_FIELD": "Dieses Feld gibt es nicht, oder Sie dürfen es nicht lesen.",
    "INVALID_TYPE": "Dieses Objekt wird nicht unterstützt.",
    "NOT_FOUND": "Die angeforderte Ressource ist nicht vorhanden.",
    "ENTITY_IS_DELETED": "Das Element wurde gelöscht.",
    "INVALID_SESSION_ID": "Die Sitzung ist abgelaufen oder ungültig.",
    "REQUEST_LIMIT_EXCEEDED": "Die Grenze der Anfragen ist überschritten.",
    "UNABLE_TO_LOCK_ROW": "Der Datensatz kann gerade nicht gesperrt werden.",
}


def in_german(reply: Reply) -> Reply:
    """The same answer with every refusal's sentence in German; codes and field names stay."""
    if not reply.headers.get("Content-Type", "").startswith("application/json") or b'"message"' not in reply.raw():
        return reply
    content = _translated(orjson.loads(reply.raw()))
    return Reply(reply.status, orjson.dumps(content), {**reply.headers, "Content-Type": JSON_TYPE}, reply.records)


def _translated(content: Any) -> Any:
    if isinstance(content, list):
        return [_translated(one) for one in content]
    if not isinstance(content, dict):
        return content
    code = content.get("errorCode") or content.get("statusCode")
    if isinstance(code, str) and isinstance(content.get("message"), str):
        return content | {"message": _GERMAN.get(code, "Der Vorgang wurde abgelehnt.")}
    return {name: _translated(value) for name, value in content.items()}
