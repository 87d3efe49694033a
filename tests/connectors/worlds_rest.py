"""The small PRM that the rest connector is tested against, described in YAML as an admin would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from syncd.connectors.base import Connector
from syncd.connectors.rest.client import RestConnector
from syncd.connectors.rest.description import Description
from syncd.settings import Secret, Token, parse_yaml, validate

from .prm import TOKEN, Fault, Prm, PrmServer
from .worlds import SECRET, FakeClock, World

PAGING = {
    "page": "{style: page, param: page, size_param: limit, size: 100}",
    "offset": "{style: offset, param: offset, size_param: limit, size: 100}",
    "cursor": "{style: cursor, param: cursor, next: meta.next, size_param: limit, size: 100}",
    "link": "{style: link, next: links.next, size_param: limit, size: 100}",
    "header": "{style: link, size_param: limit, size: 100}",
}
DESCRIPTION = """
name: Small PRM
identity: {path: /api/me, id: account.id}
token: {path: /oauth/token}
objects:
  Company:
    list:
      path: /api/companies/PATH
      items: data
      total: meta.total
      paging: PAGING
      since: {param: modified_since}
      where: {name: name}
    count: {path: /api/companies/page, params: {live: 1}, total: meta.total, where: {name: name},
            paging: {style: page, size_param: limit, size: 1}}
    read: {path: "/api/companies/{id}", item: data}
    update:
      method: POST
      path: /api/companies/batch
      most: 50
      body: {updates: "{rows}"}
      row: {id: "{id}", values: "{fields}"}
      results: results
    upsert: {path: "/api/companies/by/{key_field}/{key}", keys: [external_id]}
    stamp: {field: updated_at}
    deleted: archived
    fields: {name: info.name, syncd: syncd, external_id: external_id, region: region}
    write: [syncd, region]
"""


def described(text: str) -> Description:
    """A description that is right. Fails with what is wrong with it."""
    made, problems = validate(parse_yaml(text, "rest.yaml"), Description)
    assert made is not None, [str(problem) for problem in problems]
    return made


def description(paging: str = "page", *edits: tuple[str, str]) -> Description:
    """The description of the small PRM, by one way of paging."""
    text = DESCRIPTION.replace("PATH", "link" if paging == "header" else paging).replace("PAGING", PAGING[paging])
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    return described(text)


class RestWorld(World):
    """The PRM."""

    object, name, stamp, key = "Company", "name", "syncd", "external_id"
    absent_id = "c-999999"
    poison = ("region", "forbidden")

    def __init__(self, server: PrmServer, paging: str = "page") -> None:
        super().__init__(FakeClock())
        self.prm, self.paging, self.server = Prm(self.clock), paging, server
        server.show(self.prm)
        self.opened: list[RestConnector] = []

    def connector(self, **options: Any) -> RestConnector:
        about = options.pop("about", None) or description(self.paging)
        auth = options.pop("auth", None) or Token(flow="token", token=Secret("${env:PRM_TOKEN}", TOKEN))
        self.opened.append(RestConnector(self.prm.url, about, auth, self.clock, emulator=True, **options))
        return self.opened[-1]

    def refused(self) -> Connector:
        return self.connector(auth=Token(flow="token", token=Secret("${env:PRM_TOKEN}", SECRET)))

    def create(self, name: str) -> str:
        return self.prm.add(info={"name": name})

    def rename(self, id_: str, name: str) -> None:
        self.prm.edit(id_, info={"name": name})

    def delete(self, id_: str) -> None:
        self.prm.edit(id_, archived=True)

    def shown(self, id_: str) -> Any:
        return self.prm.companies[id_]["syncd"]

    def lose_answer(self, *, applied: bool) -> None:
        self.prm.faults += [Fault(method, "/api/companies/b", applied=applied) for method in ("POST", "PUT")]

    def count_more(self) -> None:
        self.prm.more = 3

    def interrupt(self, *, skip: int) -> None:
        self.prm.faults.append(Fault("GET", "/api/companies", 503, {"code": "away"}, skip=skip))

    def requests(self) -> int | None:
        return len(self.prm.requests)


@contextmanager
def rest_world(server: PrmServer, paging: str = "page") -> Iterator[RestWorld]:
    """The PRM, served."""
    world = RestWorld(server, paging)
    yield world
    for connector in world.opened:
        connector.close()
