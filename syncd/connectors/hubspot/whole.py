"""What is no CRM object and comes whole: owners, the stages of pipelines, exchange rates. There are few of each.

Every pull gives all of them, whatever its window: their stamps do not tell of every change. Stages of a new portal are
stamped 1970, and whether a deactivated owner gets a new stamp is nowhere said.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import urlencode

from syncd.connectors.hubspot.paths import Paths
from syncd.connectors.transport import Transport
from syncd.errors import IncompleteRead
from syncd.mapping.convert import plain
from syncd.model import Page, ReadSpec, Row

Native = Mapping[str, Any]

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError)


def lets_in(native: Native, where: Mapping[str, Sequence[str]]) -> bool:
    """Whether a filter lets a record in."""
    return all(("" if native.get(name) is None else plain(native[name])) in values for name, values in where.items())


class WholeList(ABC):
    """One such list. `FIELDS` are what its records have besides their id."""

    WHAT: ClassVar[str]
    FIELDS: ClassVar[frozenset[str]]

    def __init__(self, transport: Transport, paths: Paths, spec: ReadSpec) -> None:
        self._transport, self._paths, self._spec = transport, paths, spec
        self._fields = [name for name in spec.fields if name != "id"]

    @abstractmethod
    def _natives(self) -> Iterator[Native]:
        """Every record, with `id` and what `FIELDS` names."""

    def pages(self) -> Iterator[Page]:
        """All of them on one page."""
        rows: list[Row] = []
        unreadable: list[tuple[str, str]] = []
        for native in self._natives():
            try:
                if self._lets_in(native):
                    rows.append(self._row(native))
            except _MALFORMED as error:
                unreadable.append((str(native.get("id") or "?"), f"It is malformed ({type(error).__name__})."))
        yield Page(rows, {"done": True}, len(rows) + len(unreadable), True, tuple(unreadable))

    def rows(self, ids: Sequence[str]) -> list[Row]:
        """These of them; the filter of the specification does not apply."""
        wanted = frozenset(ids)
        return [self._row(native) for native in self._natives() if str(native["id"]) in wanted] if wanted else []

    def count(self) -> int:
        """How many there are."""
        return sum(self._lets_in(native) for native in self._natives())

    def _row(self, native: Native) -> Row:
        stamp = native.get("updatedAt") or native.get("createdAt")
        fields = {name: native.get(name) for name in self._fields}
        return Row(str(native["id"]), datetime.fromisoformat(stamp) if stamp else _NEVER, fields)

    def _lets_in(self, native: Native) -> bool:
        return lets_in(native, self._spec.where)

    def _listed(self, path: str, query: Mapping[str, str], template: str) -> Iterator[Native]:
        """The results of all pages."""
        after: str | None = None
        while True:
            asked = {**query, **({"after": after} if after else {})}
            content = self._transport.json("GET", f"{path}?{urlencode(asked)}" if asked else path, template=template)
            results = content.get("results") if isinstance(content, dict) else None
            if not isinstance(results, list):
                raise IncompleteRead(f"{template}: HubSpot answered without results.")
            yield from (result for result in results if isinstance(result, dict))
            previous, after = after, ((content.get("paging") or {}).get("next") or {}).get("after")
            if after is None:
                return
            if after == previous:
                raise IncompleteRead(f"{template}: HubSpot says there is more but names the same page again.")


class Owners(WholeList):
    """The users who can own records, the deactivated ones too: records still carry their ids."""

    WHAT = "owners"
    FIELDS = frozenset(
        {"email", "type", "firstName", "lastName", "userId", "userIdIncludingInactive", "archived", "teams"}
        | {"createdAt", "updatedAt"}
    )

    def _natives(self) -> Iterator[Native]:
        for archived in ("false", "true"):
            yield from self._listed(self._paths.owners, {"limit": "500", "archived": archived}, "owners")


class Stages(WholeList):
    """The stages of every pipeline of one object type. `key` is what records carry."""

    WHAT = "stages"
    FIELDS = frozenset(
        {"key", "label", "pipeline", "pipelineLabel", "displayOrder", "isClosed", "probability", "won", "archived"}
        | {"createdAt", "updatedAt"}
    )

    def __init__(self, transport: Transport, paths: Paths, spec: ReadSpec, of: str) -> None:
        super().__init__(transport, paths, spec)
        self._of = of

    def _natives(self) -> Iterator[Native]:
        for pipeline in self._listed(f"{self._paths.pipelines}/{self._of}", {}, f"pipelines/{self._of}"):
            yield from (_stage(pipeline, stage) for stage in pipeline.get("stages") or ())


class Rates(WholeList):
    """The exchange rates, with their past and future.

    `conversionRate` is what one unit of `fromCurrencyCode` is worth in `toCurrencyCode`, the company's own currency.
    `rate` is the other way about: what one unit of the company's own currency costs in the other.
    """

    WHAT = "exchange rates"
    FIELDS = frozenset(
        {"fromCurrencyCode", "toCurrencyCode", "conversionRate", "rate", "effectiveAt", "visibleInUI"}
        | {"createdAt", "updatedAt"}
    )

    def _natives(self) -> Iterator[Native]:
        return self._listed(self._paths.rates, {"limit": "100"}, "exchange-rates")

    def _row(self, native: Native) -> Row:
        return super()._row({**native, "rate": _turned(native.get("conversionRate"))})


def _stage(pipeline: Native, stage: Native) -> Native:
    """One stage with what its metadata, which are texts, say. Won is closed with a probability of one."""
    metadata = stage.get("metadata") or {}
    probability = metadata.get("probability")
    closed = str(metadata.get("isClosed")).lower() == "true" or str(metadata.get("ticketState")).upper() == "CLOSED"
    return {
        **{name: stage.get(name) for name in ("label", "displayOrder", "archived", "createdAt", "updatedAt")},
        "id": f"{pipeline['id']}:{stage['id']}",
        "key": stage["id"],
        "pipeline": pipeline["id"],
        "pipelineLabel": pipeline.get("label"),
        "isClosed": closed,
        "probability": probability,
        "won": closed and probability is not None and float(probability) == 1.0,
    }


def _turned(conversion_rate: Any) -> str | None:
    if conversion_rate is None:
        return None
    rate = 1 / Decimal(str(conversion_rate))
    return format(rate.quantize(Decimal(10) ** (rate.adjusted() - 11)).normalize(), "f")
