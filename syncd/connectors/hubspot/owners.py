"""Owners, who are no CRM objects: listed whole, because they cannot be searched, and there are few of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from syncd.connectors.hubspot.paths import Paths
from syncd.connectors.transport import Transport
from syncd.errors import IncompleteRead
from syncd.model import Page, ReadSpec, Row, Window

PER_PAGE = 500
FIELDS = frozenset({"email", "type", "firstName", "lastName", "userId", "archived", "createdAt", "updatedAt", "teams"})


class Owners:
    """Reads owners, the deactivated ones too: records still carry their ids."""

    def __init__(self, transport: Transport, paths: Paths, spec: ReadSpec) -> None:
        self._transport, self._paths, self._spec = transport, paths, spec

    def pages(self, window: Window) -> Iterator[Page]:
        """Those that changed in the window, on one page."""
        lower, upper = window.lower, window.upper
        rows = [
            row
            for row in self._all()
            if (lower is None or lower <= row.stamp) and row.stamp <= upper and self._let_in(row)
        ]
        yield Page(rows, {"done": True}, len(rows), True)

    def rows(self, ids: Sequence[str]) -> list[Row]:
        """These owners."""
        wanted = frozenset(ids)
        return [row for row in self._all() if row.id in wanted]

    def _all(self) -> Iterator[Row]:
        for archived in ("false", "true"):
            after: str | None = None
            while True:
                query = {"limit": str(PER_PAGE), "archived": archived, **({"after": after} if after else {})}
                content = self._transport.json("GET", f"{self._paths.owners}?{urlencode(query)}", template="owners")
                for owner in content.get("results") or ():
                    yield self._row(owner)
                previous, after = after, ((content.get("paging") or {}).get("next") or {}).get("after")
                if after is None:
                    break
                if after == previous:
                    raise IncompleteRead("owners: HubSpot says there is more but names the same page again.")

    def _row(self, owner: Mapping[str, Any]) -> Row:
        fields = {name: owner.get(name) for name in self._spec.fields if name != "id"}
        return Row(str(owner["id"]), datetime.fromisoformat(owner["updatedAt"]), fields)

    def _let_in(self, row: Row) -> bool:
        return all(str(row.fields.get(name)) in values for name, values in self._spec.where.items())
