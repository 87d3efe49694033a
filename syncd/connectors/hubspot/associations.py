"""Which records are associated with which: up to a thousand in a call, and only for records that were touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from syncd.connectors.hubspot.paths import Paths, plain_type
from syncd.connectors.hubspot.rows import RowMaker
from syncd.connectors.transport import Transport
from syncd.model import Row

PER_CALL = 1_000
_PRIMARY = frozenset({1, 2, 3, 5, 6})  # the vendor's own primary types between contacts, companies and deals


class Associations:
    """Reads the associations of one object type."""

    def __init__(self, transport: Transport, paths: Paths, object_: str) -> None:
        self._transport, self._paths, self._object = transport, paths, plain_type(object_)

    def attach(self, rows: Sequence[Row], maker: RowMaker) -> None:
        """Put the ids of associated records beside each row, as `associations.<name>`."""
        ids = [row.id for row in rows if not row.deleted]
        for name in maker.associations:
            found = self._read(ids, name)
            for row in rows:
                row.fields[f"associations.{name}"] = found.get(row.id, [])

    def _read(self, ids: Sequence[str], name: str) -> dict[str, list[str]]:
        found: dict[str, dict[str, bool]] = {}
        waiting: list[dict[str, str]] = [{"id": id_} for id_ in ids]
        while waiting:
            inputs, waiting = waiting[:PER_CALL], waiting[PER_CALL:]
            content = self._transport.json(
                "POST",
                f"{self._paths.associations}/{self._object}/{plain_type(name)}/batch/read",
                template=f"associations/{self._object}/{plain_type(name)}",
                body={"inputs": inputs},
            )
            for result in content.get("results") or ():
                id_ = str(result["from"]["id"])
                found.setdefault(id_, {}).update(_targets(result))
                after = ((result.get("paging") or {}).get("next") or {}).get("after")
                if after is not None:
                    waiting.append({"id": id_, "after": str(after)})
        return {id_: _in_order(targets) for id_, targets in found.items()}


def _targets(result: Mapping[str, Any]) -> dict[str, bool]:
    """Ids, which come as numbers or texts, and whether the association is the primary one."""
    return {
        str(to["toObjectId"]): any(_is_primary(kind) for kind in to.get("associationTypes") or ())
        for to in result.get("to") or ()
    }


def _is_primary(kind: Mapping[str, Any]) -> bool:
    labelled = str(kind.get("label") or "").casefold() == "primary"
    return labelled or (kind.get("category") == "HUBSPOT_DEFINED" and kind.get("typeId") in _PRIMARY)


def _in_order(targets: Mapping[str, bool]) -> list[str]:
    """The primary one first, then by id: the same associations are the same list whenever they are read."""
    return sorted(targets, key=lambda id_: (not targets[id_], len(id_), id_))
