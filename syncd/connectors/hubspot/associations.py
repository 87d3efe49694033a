"""Which records are associated with which: up to a thousand in a call, and only for records that were touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from syncd.connectors.hubspot.errors import nothing_there
from syncd.connectors.hubspot.paths import Paths, plain_type
from syncd.connectors.hubspot.rows import Result, RowMaker
from syncd.connectors.transport import Transport
from syncd.errors import Retry
from syncd.model import Row

PER_CALL = 1_000
_PRIMARY = frozenset({1, 2, 3, 5, 6})  # the vendor's own primary types between contacts, companies and deals


class Associations:
    """Reads the associations of one object type."""

    def __init__(self, transport: Transport, paths: Paths, object_: str) -> None:
        self._transport, self._paths, self._object = transport, paths, plain_type(object_)

    def attach(self, rows: Sequence[Row], maker: RowMaker) -> None:
        """Put the ids of associated records beside each row, as `associations.<name>`."""
        ids = [row.id for row in rows if not row.deleted] if maker.associations else []
        for name in maker.associations:
            found = self._read(ids, name)
            for row in rows:
                row.fields[f"associations.{name}"] = found.get(row.id, [])

    def take_inline(self, rows: Sequence[Row], results: Sequence[Result], maker: RowMaker) -> None:
        """The same from what a list told with its records; asked for only where the list does not tell it all.

        Of several associated records a list does not say which is the primary one.
        """
        inline = {
            str(r.get("id")): r.get("associations") or {} for r in results if maker.associations and isinstance(r, dict)
        }
        asked = frozenset(plain_type(name) for name in maker.associations)
        for name in maker.associations:
            told = {row.id: _told(inline.get(row.id, {}), plain_type(name), asked) for row in rows if not row.deleted}
            found = self._read([id_ for id_, targets in told.items() if targets is None], name)
            for row in rows:
                row.fields[f"associations.{name}"] = told.get(row.id) or found.get(row.id, [])

    def _read(self, ids: Sequence[str], name: str) -> dict[str, list[str]]:
        found: dict[str, dict[str, bool]] = {}
        waiting: list[dict[str, str]] = [{"id": id_} for id_ in ids]
        while waiting:
            inputs, waiting = waiting[:PER_CALL], waiting[PER_CALL:]
            for result in self._ask(inputs, name):
                id_ = str(result["from"]["id"])
                found.setdefault(id_, {}).update(_targets(result))
                after = ((result.get("paging") or {}).get("next") or {}).get("after")
                if after is not None:
                    waiting.append({"id": id_, "after": str(after)})
        return {id_: _in_order(targets) for id_, targets in found.items()}

    def _ask(self, inputs: Sequence[Mapping[str, str]], name: str) -> Sequence[Mapping[str, Any]]:
        """One answer. A record that is not mentioned has no associations, unless the answer says that it failed."""
        pair = f"{self._object}/{plain_type(name)}"
        content = self._transport.json(
            "POST",
            f"{self._paths.associations}/{pair}/batch/read",
            template=f"associations/{pair}",
            body={"inputs": inputs},
        )
        results = content.get("results") if isinstance(content, dict) else None
        if not isinstance(results, list) or not all(nothing_there(e) for e in content.get("errors") or ()):
            raise Retry(f"associations/{pair}: HubSpot could not read the associations of some records.")
        return results


def _told(inline: Mapping[str, Any], name: str, asked: frozenset[str]) -> list[str] | None:
    """The ids that a list tells for one name; None where it leaves something open.

    Its names are not always those that were asked for: line items come as `line items`, custom objects under their full
    name.
    """
    by_name = {key.lower().replace(" ", "_"): held for key, held in inline.items()}
    if name not in by_name:
        return None if by_name.keys() - asked else []
    ids = sorted({str(to["id"]) for to in by_name[name].get("results") or ()})
    more = (by_name[name].get("paging") or {}).get("next")
    return None if more or len(ids) > 1 else ids


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
