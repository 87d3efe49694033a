"""HTTP as both emulators speak it: calls, replies, routes, gzip, faults and the audit log, on bare ASGI."""

from __future__ import annotations

import asyncio
import gzip
import sys
import traceback
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from threading import RLock
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, unquote

import orjson

from syncd.emulator.clock import Clock
from syncd.emulator.faults import Fault, FaultPlan
from syncd.emulator.log import Journal, Request

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

GZIP_FROM = 860
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


@dataclass(slots=True)
class Surroundings:
    """What every server of one emulator shares."""

    clock: Clock
    journal: Journal
    faults: FaultPlan
    lock: RLock


class HttpApp:
    """An ASGI application around one handler, with faults, gzip, `Date` and the audit log."""

    def __init__(
        self, system: str, handle: Handler, around: Surroundings, new_id: Callable[[], str], id_header: str
    ) -> None:
        self._system, self._handle, self._around = system, handle, around
        self._new_id, self._id_header = new_id, id_header

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        call = await self._read(scope, receive)
        with self._around.lock:
            fault = self._around.faults.take(self._system, call.method, call.path)
        if fault is not None and fault.mode == "slow":
            await asyncio.sleep(fault.seconds)
        if fault is not None and fault.mode == "drop_before":
            self._log(call, 0, 0)
            await _drop(scope)
            return
        reply = self._answer(call, fault)
        self._log(call, reply.status, reply.records)
        if fault is not None and fault.mode == "apply_then_drop":
            await _drop(scope)
            return
        await self._send(scope, call, reply, send)

    async def _read(self, scope: Scope, receive: Receive) -> Call:
        chunks: list[bytes] = []
        while True:
            message = await receive()
            chunks.append(message.get("body", b""))
            if not message.get("more_body"):
                break
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        body = b"".join(chunks)
        if headers.get("content-encoding") == "gzip" and body:
            body = gzip.decompress(body)
        query = scope["query_string"].decode("latin-1")
        return Call(scope["method"], path, query, headers, body, self._new_id(), segments_of(path))

    def _answer(self, call: Call, fault: Fault | None) -> Reply:
        if fault is not None and fault.mode == "status":
            headers = {"Content-Type": _guess(fault.body), **fault.headers}
            return Reply(fault.status, fault.body.encode(), headers)
        with self._around.lock:
            try:
                return self._handle(call)
            except Refused as refused:
                return refused.reply
            except Exception:  # a bug of the emulator must be seen by the test that met it
                traceback.print_exc(file=sys.stderr)
                return Reply(500, traceback.format_exc().encode(), {"Content-Type": "text/plain"})

    def _log(self, call: Call, status: int, records: int) -> None:
        if self._system == "admin":
            return
        path = f"{call.path}?{call.query}" if call.query else call.path
        entry = Request(self._around.clock.now(), self._system, call.method, path, status, records, call.by, call.id)
        self._around.journal.requests.append(entry)

    async def _send(self, scope: Scope, call: Call, reply: Reply, send: Send) -> None:
        body, headers = _encoded(call, reply)
        headers["Date"] = format_datetime(self._around.clock.now(), usegmt=True)
        headers.setdefault(self._id_header, call.id)
        if reply.status not in (204, 304):
            headers["Content-Length"] = str(len(body))
        pairs = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": pairs})
        await send({"type": "http.response.body", "body": b"" if call.method == "HEAD" else body})


def _encoded(call: Call, reply: Reply) -> tuple[bytes, dict[str, str]]:
    headers = dict(reply.headers)
    raw = reply.raw()
    if len(raw) < GZIP_FROM or "gzip" not in call.headers.get("accept-encoding", ""):
        return raw, headers
    headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return (reply.body.packed() if isinstance(reply.body, Page) else gzip_fast(raw)), headers


def gzip_fast(raw: bytes) -> bytes:
    """gzip at the quickest level."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return packer.compress(raw) + packer.flush()


async def _drop(scope: Scope) -> None:
    abort: Callable[[], None] = scope["extensions"]["syncd.abort"]
    abort()
    await asyncio.sleep(0.001)  # lets the server notice, so that it does not try to answer


def _guess(body: str) -> str:
    return JSON_TYPE if body[:1] in ("{", "[") else "text/html;charset=UTF-8"
