"""HTTP as both emulators speak it: calls, replies, pages that are compressed once, routes."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, unquote

import orjson

JSON_TYPE = "application/json;charset=UTF-8"


@dataclass(slots=True)
class Page:
    """A prepared body that is compressed at most once."""

    raw: bytes
    _packed: bytes | None = None

    def packed(self) -> bytes:
        """The body, gzipped."""
        if self._packed is None:
            self._packed = gzip_fast(self.raw)
        return self._packed


@dataclass(slots=True)
class Call:
    """One request, read whole."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    id: str
    segments: list[str] = field(default_factory=list)
    args: dict[str, str] = field(default_factory=dict)
    by: str | None = None
    json: Any = None
    scheme: str = "http"

    def params(self) -> dict[str, str]:
        """Query parameters; of a repeated one the last counts."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    def many(self, name: str) -> list[str]:
        """A parameter that may be repeated or hold a comma-joined list."""
        pairs = parse_qsl(self.query, keep_blank_values=True)
        return [part.strip() for key, value in pairs if key == name for part in value.split(",") if part.strip()]


@dataclass(slots=True)
class Reply:
    """One answer; `records` is for the audit log."""

    status: int = 200
    body: bytes | Page = b""
    headers: dict[str, str] = field(default_factory=dict)
    records: int = 0

    @classmethod
    def json(cls, content: Any, status: int = 200, records: int = 0, **headers: str) -> Reply:
        """An answer in JSON."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status, orjson.dumps(content), {"Content-Type": JSON_TYPE, **named}, records)

    def raw(self) -> bytes:
        """The body, not compressed."""
        return self.body.raw if isinstance(self.body, Page) else self.body


class PreparedPages:
    """Answers that are served again, packed already, while what they rest on is unchanged; the oldest go first."""

    def __init__(self, most_bytes: int) -> None:
        self._most, self._bytes = most_bytes, 0
        self._kept: OrderedDict[Hashable, tuple[Hashable, Page, int]] = OrderedDict()

    def get(self, key: Hashable, version: Hashable) -> Reply | None:
        """The answer to the same request, if it was prepared from the same version of the data."""
        known = self._kept.get(key)
        if known is None or known[0] != version:
            return None
        return Reply(200, known[1], {"Content-Type": JSON_TYPE}, known[2])

    def keep(self, key: Hashable, version: Hashable, reply: Reply) -> Reply:
        """Remember an answer; returns it with a body that is packed only once."""
        page = reply.body = Page(reply.raw())
        self._forget(key)
        self._kept[key] = (version, page, reply.records)
        self._bytes += len(page.raw)
        while self._bytes > self._most:
            self._forget(next(iter(self._kept)))
        return reply

    def _forget(self, key: Hashable) -> None:
        known = self._kept.pop(key, None)
        self._bytes -= 0 if known is None else len(known[1].raw)


class Refused(Exception):
    """Raised by a handler to answer at once with an error."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


Handler = Callable[[Call], Reply]


Action = TypeVar("Action")


class _Node(Generic[Action]):
    def __init__(self) -> None:
        self.static: dict[str, _Node[Action]] = {}
        self.params: dict[str, _Node[Action]] = {}
        self.methods: dict[str, Action] = {}


class Router(Generic[Action]):
    """Paths to what answers them; a literal segment is preferred to a `{name}`, and nothing else is known."""

    def __init__(self) -> None:
        self._root: _Node[Action] = _Node()

    def add(self, path: str, **methods: Action) -> None:
        """Declare what answers on a path, e.g. `add("/a/{id}", GET=read)`."""
        node = self._root
        for part in segments_of(path):
            node = _child(node, part)
        node.methods.update(methods)

    def find(self, segments: list[str]) -> tuple[dict[str, Action], dict[str, str]] | None:
        """The actions by method and the named segments, or None if the path is unknown."""
        return _find(self._root, segments, 0)


def _child(node: _Node[Action], part: str) -> _Node[Action]:
    if part.startswith("{"):
        return node.params.setdefault(part[1:-1], _Node())
    return node.static.setdefault(part.lower(), _Node())


def _find(node: _Node[Action], segments: list[str], at: int) -> tuple[dict[str, Action], dict[str, str]] | None:
    if at == len(segments):
        return (node.methods, {}) if node.methods else None
    literal = node.static.get(segments[at].lower())
    found = _find(literal, segments, at + 1) if literal is not None else None
    if found is not None:
        return found
    for name, below in node.params.items():
        found = _find(below, segments, at + 1)
        if found is not None:
            return found[0], {**found[1], name: segments[at]}
    return None


def segments_of(path: str) -> list[str]:
    """The decoded parts of a path."""
    return [unquote(part) for part in path.strip("/").split("/") if part]


def gzip_fast(raw: bytes) -> bytes:
    """gzip at the quickest level."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return packer.compress(raw) + packer.flush()
