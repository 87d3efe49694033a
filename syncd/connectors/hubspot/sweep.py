"""Reads every record of one object type from the store itself, through the list, which no index stands before.

The list knows neither filter nor stamp. It takes a hundred records a call, tells their associations with them, and in
a second pass the archived ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from syncd.connectors.hubspot.associations import PER_CALL as PER_ASSOCIATION_CALL
from syncd.connectors.hubspot.associations import Associations
from syncd.connectors.hubspot.fetch import Fetch
from syncd.connectors.hubspot.paths import Paths, plain_type
from syncd.connectors.hubspot.rows import Result, RowMaker
from syncd.connectors.transport import Transport
from syncd.errors import IncompleteRead, UserError
from syncd.model import Page, ReadSpec

PER_PAGE = 100
# What HubSpot's own edge takes is not told; proxies on the way often stop at 8 kB.
_LONGEST_QUERY = 6_000
# These answer 400 to a question for archived records.
_NEVER_ARCHIVED = frozenset({"meetings", "communications", "deal_splits", "quote_templates"})


@dataclass(frozen=True, slots=True)
class SweepPosition:
    """Where a sweep goes on: after a record, in the first pass or in the one over archived records.

    `expected` is how many live records were counted when it began: evidence, because counts lag, and no proof.
    """

    after: str | None = None
    archived: bool = False
    seen: int = 0
    expected: int | None = None
    done: bool = False

    @classmethod
    def of(cls, plain: Mapping[str, Any] | None) -> SweepPosition | None:
        """From what a page carried."""
        return cls(**plain) if plain else None

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) not in (None, False)}


class Sweep:
    """One sweep of one specification."""

    def __init__(self, transport: Transport, paths: Paths, spec: ReadSpec) -> None:
        self._transport, self._spec, self._object = transport, spec, plain_type(spec.object)
        self._path = f"{paths.objects}/{self._object}"
        self._maker = RowMaker(spec)
        self._associations = Associations(transport, paths, spec.object)
        self._fetch = Fetch(transport, paths, spec)
        self._wide = len(quote(",".join(self._maker.properties))) > _LONGEST_QUERY
        self._at_once = PER_ASSOCIATION_CALL // PER_PAGE if spec.associations else 1

    def pages(self, plain: Mapping[str, Any] | None, count: Callable[[], int | None]) -> Iterator[Page]:
        """Every page after the position; `count` is asked once, at the beginning."""
        position = SweepPosition.of(plain) or SweepPosition(expected=count())
        while not position.done:
            archived = position.archived
            results, position = self._gather(position)
            # what archived records still tell is nowhere said, and matters little
            rows, unreadable = self._maker.rows(results, nulls_told=not (self._wide or archived))
            self._associations.take_inline(rows, results, self._maker)
            yield Page(rows, position.plain(), position.expected, position.done, unreadable)
            if position.done:
                return
        yield Page((), position.plain(), position.expected, True)

    def _gather(self, position: SweepPosition) -> tuple[list[Result], SweepPosition]:
        """One page, or as many of one pass as one call for associations can take."""
        gathered: list[Result] = []
        archived = position.archived
        for _ in range(self._at_once):
            results, position = self._next(position)
            gathered += results
            if position.done or position.archived is not archived:
                break
        return gathered, position

    def _next(self, position: SweepPosition) -> tuple[Sequence[Result], SweepPosition]:
        content = self._list(position)
        if content is None:
            return (), replace(position, done=True)
        results = content.get("results")
        if not isinstance(results, list):
            raise IncompleteRead(f"{self._spec.object}: the list answered without results.")
        after = ((content.get("paging") or {}).get("next") or {}).get("after")
        if after is not None and str(after) == position.after:
            raise IncompleteRead(f"{self._spec.object}: HubSpot says there is more but names the same page again.")
        if self._wide and results:
            results = self._fetch.whole(results, position.archived)
        following = replace(position, seen=position.seen + len(results), after=None if after is None else str(after))
        if after is not None:
            return results, following
        done = position.archived or self._object in _NEVER_ARCHIVED
        return results, replace(following, archived=True, done=done)

    def _list(self, position: SweepPosition) -> Mapping[str, Any] | None:
        """One answer of the list; None where the type keeps no archived records."""
        try:
            answer = self._transport.call(
                "GET",
                f"{self._path}?{self._query(position)}",
                template=f"list/{self._object}",
                accept=frozenset({414}),
            )
        except UserError:
            if not position.archived or position.after is not None:
                raise
            return None
        if answer.status == 414:
            if self._wide:
                raise self._transport.refusal(answer, f"list/{self._object}")
            self._wide = True
            return self._list(position)
        content = self._transport.parsed(answer, f"list/{self._object}")
        return content if isinstance(content, dict) else {}

    def _query(self, position: SweepPosition) -> str:
        properties = [self._maker.cursor] if self._wide else self._maker.properties
        query = {"limit": str(PER_PAGE), "properties": ",".join(properties)}
        if self._maker.associations and not position.archived:
            query["associations"] = ",".join(plain_type(name) for name in self._maker.associations)
        if position.archived:
            query["archived"] = "true"
        if position.after is not None:
            query["after"] = position.after
        return urlencode(query)
