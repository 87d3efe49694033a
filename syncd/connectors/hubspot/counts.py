"""How many records there are: by what the account counts against its limits, or else by what the index finds."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Any

from syncd.connectors.hubspot.paths import Paths, plain_type, type_id
from syncd.connectors.hubspot.search import Search
from syncd.connectors.transport import Forbidden, Transport
from syncd.errors import UserError
from syncd.model import ReadSpec


class Counts:
    """Counts of one portal."""

    def __init__(self, transport: Transport, paths: Paths) -> None:
        self._transport, self._paths = transport, paths
        self._lock = Lock()
        self._custom: dict[str, str | None] = {}

    def of(self, spec: ReadSpec) -> int | None:
        """How many live records a specification means. The account's own count is of whole types only."""
        whole = None if spec.where else self.of_type(spec.object, self.by_type_id())
        return whole if whole is not None else self.found(spec)

    def found(self, spec: ReadSpec) -> int | None:
        """How many of them the index finds, which may lag behind; None where search cannot filter like that."""
        return Search(self._transport, self._paths, spec).total()

    def of_type(self, object_: str, by_type_id: Mapping[str, int]) -> int | None:
        """The count of one type among those that `by_type_id` told."""
        id_ = type_id(object_)
        if id_ is None and by_type_id:
            id_ = self._custom_id(plain_type(object_))
        return by_type_id.get(id_ or "")

    def by_type_id(self) -> dict[str, int]:
        """What the account counts against its limit of records, hidden ones included; nothing where it does not say."""
        try:
            content = self._transport.json("GET", f"{self._paths.limits}/records", template="limits/records")
        except (UserError, Forbidden):
            return {}
        body: Mapping[str, Any] = content if isinstance(content, dict) else {}
        entries = list(body.get("hubspotDefinedObjectTypes") or ())
        entries += (body.get("customObjectTypes") or {}).get("byObjectType") or ()
        return {str(e.get("objectTypeId")): e["usage"] for e in entries if isinstance(e.get("usage"), int)}

    def _custom_id(self, object_: str) -> str | None:
        with self._lock:
            if object_ not in self._custom:
                self._custom[object_] = self._ask_custom_id(object_)
            return self._custom[object_]

    def _ask_custom_id(self, object_: str) -> str | None:
        try:
            schema = self._transport.json("GET", f"{self._paths.schemas}/{object_}", template=f"schemas/{object_}")
        except (UserError, Forbidden):
            return None
        return str(schema["objectTypeId"]) if isinstance(schema, dict) and schema.get("objectTypeId") else None
